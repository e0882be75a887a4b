import type { Client } from '@temporalio/client';
import { topicOffsets, withAdmin, type KafkaOptions } from '../adapters/kafka/client.ts';
import type { Logger } from '../adapters/log.ts';
import type { DeltaTable } from '../adapters/delta/table.ts';
import type { Snapshot } from '../adapters/delta/snapshot.ts';
import type { Warehouse } from '../adapters/delta/warehouse.ts';
import { partitionAppId } from '../steps/landing/transaction-ids.ts';
import { SOURCE, STEP } from '../model/search-attributes.ts';
import type { Settings } from '../model/settings.ts';
import { deliveries } from '../tables/index.ts';
import { BackgroundRefresh, updateGauges } from './background-refresh.ts';
import type { Metrics } from './metrics.ts';

/** The dependencies of {@link LagMetrics}. */
export interface LagMetricsDeps {
  readonly settings: Settings;
  readonly kafka: KafkaOptions;
  readonly warehouse: Warehouse;
  readonly client: Client;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The minimum time between two refreshes. */
const REFRESH_INTERVAL_MS = 2_000;

/** Waiting runs beyond this number are not counted. */
const MAX_WAITING_RUNS = 1_000;

/**
 * Updates the gauges: topic lag, time of the last commit per source, runs that wait for a person. A read of the metrics
 * triggers a refresh in the background, whose values are returned by the next read, so that a read never waits for a
 * server. Gauges whose values cannot be read are left out.
 */
export class LagMetrics {
  readonly #deps: LagMetricsDeps;
  readonly #background: BackgroundRefresh;

  constructor(deps: LagMetricsDeps) {
    this.#deps = deps;
    this.#background = new BackgroundRefresh(() => this.#update(), REFRESH_INTERVAL_MS);
  }

  /** Refreshes the gauges in the background, unless that happened just now. Errors are logged; their gauges are cleared. */
  refresh(): void {
    this.#background.refresh();
  }

  async #update(): Promise<void> {
    const { metrics } = this.#deps;
    await Promise.all([
      updateGauges(this.#deps, ['pipeline_lag_messages'], async () => {
        metrics.replace('pipeline_lag_messages', await this.#lagsByTopic());
      }),
      updateGauges(this.#deps, ['pipeline_last_landed_timestamp_seconds'], async () => {
        metrics.replace('pipeline_last_landed_timestamp_seconds', lastLanded(await this.#table.snapshot()));
      }),
      updateGauges(this.#deps, ['pipeline_waiting_runs'], async () => {
        metrics.replace('pipeline_waiting_runs', await this.#waitingRunsBySource());
      }),
    ]);
    metrics.replace('pipeline_gauges_refreshed_timestamp_seconds', [
      { labels: {}, value: Date.now() / 1000 },
    ]);
  }

  get #table(): DeltaTable {
    return this.#deps.warehouse.table(deliveries.name);
  }

  async #lagsByTopic(): Promise<{ labels: { topic: string }; value: number }[]> {
    const { kafka, settings } = this.#deps;
    const topics = new Set(Object.values(settings.sources).map(({ topic }) => topic));
    const existing = new Set(await withAdmin(kafka, (admin) => admin.listTopics()));
    const txns = (await this.#table.head())?.txns;
    const lags: { labels: { topic: string }; value: number }[] = [];
    for (const topic of topics) {
      const offsets = existing.has(topic) ? await topicOffsets(kafka, topic) : [];
      const due = offsets.map(({ partition, earliest, end }) => {
        const from = txns?.get(partitionAppId(topic, partition)) ?? BigInt(earliest);
        return Math.max(0, Number(BigInt(end) - from));
      });
      lags.push({ labels: { topic }, value: due.reduce((sum, count) => sum + count, 0) });
    }
    return lags;
  }

  async #waitingRunsBySource(): Promise<{ labels: { source: string }; value: number }[]> {
    const { client, settings } = this.#deps;
    const { taskQueue } = settings.temporal;
    const counts = new Map(Object.keys(settings.sources).map((source) => [source, 0]));
    let seen = 0;
    const query =
      `WorkflowType = 'ingest' AND TaskQueue = '${taskQueue}' ` +
      `AND ExecutionStatus = 'Running' AND ${STEP.name} = 'waiting'`;
    for await (const run of client.workflow.list({ query })) {
      const source = run.typedSearchAttributes.get(SOURCE);
      const known = source === undefined ? undefined : counts.get(source);
      if (source !== undefined && known !== undefined) counts.set(source, known + 1);
      seen += 1;
      if (seen >= MAX_WAITING_RUNS) break;
    }
    return [...counts].map(([source, value]) => ({ labels: { source }, value }));
  }
}

/** Returns the time of the newest file of each source. */
function lastLanded(snapshot: Snapshot | undefined): { labels: { source: string }; value: number }[] {
  const latest = new Map<string, number>();
  for (const { partitionValues, modificationTime } of snapshot?.files.values() ?? []) {
    const source = partitionValues['source'] ?? '';
    latest.set(source, Math.max(latest.get(source) ?? 0, modificationTime));
  }
  return [...latest].map(([source, ms]) => ({ labels: { source }, value: ms / 1000 }));
}
