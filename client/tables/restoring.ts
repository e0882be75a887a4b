import { randomUUID } from 'node:crypto';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { topicOffsets, type KafkaOptions } from '../../adapters/kafka/client.ts';
import { PipelineError } from '../../model/errors.ts';
import { REBUILDABLE_TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { requireFiles, type AsOf } from '../query/as-of.ts';
import { userAtHost } from '../runs/static-details.ts';
import {
  planRestoration,
  requireWhole,
  restoreActions,
  type MovedPosition,
  type Restoration,
} from './restore-table.ts';

/** A table that is about to be set back. */
export class Restoring {
  /** The version that it is set back to. */
  readonly version: number;
  readonly plan: Restoration;
  readonly #kafka: KafkaOptions;
  readonly #warehouse: Warehouse;
  readonly #table: Table;
  readonly #wanted: Snapshot;

  private constructor(
    { kafka, warehouse, table }: { kafka: KafkaOptions; warehouse: Warehouse; table: Table },
    wanted: Snapshot,
    plan: Restoration,
  ) {
    this.#kafka = kafka;
    this.#warehouse = warehouse;
    this.#table = table;
    this.#wanted = wanted;
    this.version = wanted.version;
    this.plan = plan;
  }

  /** @throws {PipelineError} VERSION_UNKNOWN, VERSION_GONE, RESTORE_REFUSED, an error of Kafka, HDFS or the log */
  static async open(kafka: KafkaOptions, warehouse: Warehouse, table: Table, to: AsOf): Promise<Restoring> {
    const log = await listVersions(warehouse, table);
    const version = 'version' in to ? to.version : await log.versionAt(to.timeMs);
    const wanted = await log.snapshotAt(version);
    await requireWhole(log, version);
    await requireFiles(warehouse, new Map([[table, wanted]]));
    const plan = await planRestoration(log, await log.snapshotAt(log.newest), wanted);
    await requireInKafka(kafka, table, plan.moved);
    return new Restoring({ kafka, warehouse, table }, wanted, plan);
  }

  /**
   * Commits the entry, planned again for the table's newest version.
   * @returns The new version.
   * @throws {PipelineError} As {@link open}; VERSION_GONE also when upkeep deleted a file meanwhile
   */
  async commit(): Promise<number | undefined> {
    const target = this.#warehouse.open(this.#table.name);
    const scratch = `restore-${randomUUID()}`;
    try {
      const version = await target.append(scratch, async (current) => {
        const plan = await planRestoration(
          await listVersions(this.#warehouse, this.#table),
          current,
          this.#wanted,
        );
        await requireInKafka(this.#kafka, this.#table, plan.moved);
        return restoreActions(plan, current, this.#wanted, { by: userAtHost(), nowMs: target.nowMs() });
      });
      await requireFiles(this.#warehouse, new Map([[this.#table, this.#wanted]]));
      return version;
    } finally {
      await target.deleteScratch(scratch);
    }
  }
}

function listVersions(warehouse: Warehouse, { name }: Table): Promise<TableVersions> {
  return TableVersions.list(warehouse.options.hdfs, warehouse.table(name).path);
}

/**
 * Requires that Kafka still has what is to land again, except of tables that can be rebuilt from `deliveries`.
 * @throws {PipelineError} RESTORE_REFUSED, an error of Kafka
 */
async function requireInKafka(
  kafka: KafkaOptions,
  table: Table,
  moved: readonly MovedPosition[],
): Promise<void> {
  if (REBUILDABLE_TABLES.includes(table)) return;
  for (const topic of new Set(moved.map((position) => position.topic))) {
    const offsets = await topicOffsets(kafka, topic);
    const earliest = new Map(offsets.map((one) => [one.partition, BigInt(one.earliest)]));
    const lost = moved.find(
      ({ topic: own, partition, to }) => own === topic && (earliest.get(partition) ?? to + 1n) > to,
    );
    if (lost === undefined) continue;
    throw new PipelineError(
      'RESTORE_REFUSED',
      `${table.name}: Kafka no longer has the offsets of ${topic}/${lost.partition} from ${lost.to} on, so the rows ` +
        'that landed since would be lost',
    );
  }
}
