import type { Client } from '@temporalio/client';
import type { Warehouse } from '../adapters/delta/warehouse.ts';
import type { Settings } from '../model/settings.ts';
import { compactionGroupsOf } from '../steps/upkeep/compact.ts';
import { upkeepLimits } from '../steps/upkeep/deps.ts';
import type { Logger } from '../adapters/log.ts';
import { TABLES } from '../tables/index.ts';
import { BackgroundRefresh, updateGauges } from './background-refresh.ts';
import type { Metrics } from './metrics.ts';

/** The files of one table, as gauges. */
interface TableFilesGauges {
  readonly table: string;
  readonly live: number;
  /** The files that the next upkeep would merge, and their bytes. */
  readonly small: number;
  readonly smallBytes: number;
}

/** Counts the live files of each table that exists, and those that upkeep would merge now. */
async function countTableFiles(
  warehouse: Warehouse,
  { maintenance }: Pick<Settings, 'maintenance'>,
): Promise<TableFilesGauges[]> {
  const limits = upkeepLimits(maintenance);
  const gauges: TableFilesGauges[] = [];
  for (const { name } of TABLES) {
    const snapshot = await warehouse.table(name).snapshot();
    if (snapshot === undefined) continue;
    const groups = compactionGroupsOf(snapshot, limits, warehouse.nowMs());
    gauges.push({
      table: name,
      live: snapshot.files.size,
      small: groups.reduce((sum, { files }) => sum + files.length, 0),
      smallBytes: groups.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  }
  return gauges;
}

/** Returns when a run of `maintain` last completed, in milliseconds since 1970; undefined if none has. */
async function lastUpkeepMs(
  client: Client,
  { temporal }: Pick<Settings, 'temporal'>,
): Promise<number | undefined> {
  const query = `WorkflowType = 'maintain' AND TaskQueue = '${temporal.taskQueue}' AND ExecutionStatus = 'Completed'`;
  // Temporal lists closed runs by their end, the latest first.
  for await (const { closeTime } of client.workflow.list({ query, pageSize: 1 })) return closeTime?.getTime();
  return undefined;
}

/** The services of {@link UpkeepMetrics}. */
export interface UpkeepMetricsDeps {
  readonly settings: Settings;
  readonly warehouse: Warehouse;
  readonly client: Client;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The minimum time between two refreshes, which read the file lists of all tables. */
const REFRESH_INTERVAL_MS = 60_000;

const FILE_GAUGES = [
  'pipeline_table_files',
  'pipeline_compaction_files',
  'pipeline_compaction_bytes',
] as const;

/** Updates the gauges of upkeep in the background, at most once a minute. */
export class UpkeepMetrics {
  readonly #deps: UpkeepMetricsDeps;
  readonly #background: BackgroundRefresh;

  constructor(deps: UpkeepMetricsDeps) {
    this.#deps = deps;
    this.#background = new BackgroundRefresh(() => this.#update(), REFRESH_INTERVAL_MS);
  }

  /** Refreshes the gauges in the background, unless that happened within a minute. Errors are logged. */
  refresh(): void {
    this.#background.refresh();
  }

  async #update(): Promise<void> {
    const { settings, warehouse, client, metrics } = this.#deps;
    await updateGauges(this.#deps, FILE_GAUGES, async () => {
      const tables = await countTableFiles(warehouse, settings);
      const gauges = (value: (table: TableFilesGauges) => number) =>
        tables.map((one) => ({ labels: { table: one.table }, value: value(one) }));
      metrics.replace(
        'pipeline_table_files',
        gauges(({ live }) => live),
      );
      metrics.replace(
        'pipeline_compaction_files',
        gauges(({ small }) => small),
      );
      metrics.replace(
        'pipeline_compaction_bytes',
        gauges(({ smallBytes }) => smallBytes),
      );
    });
    await updateGauges(this.#deps, ['pipeline_last_upkeep_timestamp_seconds'], async () => {
      const lastMs = await lastUpkeepMs(client, settings);
      const values = lastMs === undefined ? [] : [{ labels: {}, value: lastMs / 1000 }];
      metrics.replace('pipeline_last_upkeep_timestamp_seconds', values);
    });
  }
}
