import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { LogEntry } from '../../adapters/delta/history.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { initialTransactions, isNew, type Transactions } from '../../steps/landing/added-tables.ts';
import { parsePartitionAppId } from '../../steps/landing/transaction-ids.ts';
import { BATCH_TABLES, DERIVED_TABLES, TABLES, deliveries } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { readSnapshots } from '../query/live-tables.ts';
import { OffsetSet } from './offset-set.ts';

/** While a run commits a batch, it is in only some of the tables, for little longer than this. */
const SETTLE_MS = 5_000;
const SETTLE_PAUSE_MS = 200;

const BatchInfo = z.object({
  skipped: z.boolean().optional(),
  batch: z.object({
    topic: z.string(),
    ranges: z.array(z.object({ partition: z.int(), start: z.coerce.number(), end: z.coerce.number() })),
  }),
});

/** The snapshot of each table; undefined for one that does not exist. */
export type Snapshots = ReadonlyMap<Table, Snapshot | undefined>;

/** The batches of one partition, from a table's log. */
export interface PartitionHistory {
  /** The start of the first batch. */
  firstStart: number;
  /** The offsets that a person let a run skip. */
  readonly skipped: OffsetSet;
}

/** Returns snapshots of all tables, in which the tables of a batch are at the same offsets, unless that times out. */
export async function settledSnapshots(warehouse: Warehouse): Promise<Map<Table, Snapshot | undefined>> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const snapshots = await readSnapshots(warehouse, TABLES);
    const positions = BATCH_TABLES.map((table) =>
      JSON.stringify([...landedOffsets(transactionsOf(table, snapshots))].sort()),
    );
    if (new Set(positions).size === 1 || Date.now() > deadline) return snapshots;
    await pause(SETTLE_PAUSE_MS);
  }
}

/**
 * Returns the transactions of a table, or those that it begins with if it is a new one that does not exist yet; empty if
 * it was deleted.
 */
export function transactionsOf(table: Table, snapshots: Snapshots): Transactions {
  const landed = snapshots.get(deliveries)?.txns;
  const isDue = landed !== undefined && DERIVED_TABLES.includes(table) && isNew(table.name, landed);
  return snapshots.get(table)?.txns ?? (isDue ? initialTransactions('', table.name, landed) : new Map());
}

/** Returns the landed offset (exclusive) of each partition, by `topic/partition`. */
export function landedOffsets(txns: Transactions): Map<string, number> {
  return new Map(
    [...txns].flatMap(([appId, version]) =>
      parsePartitionAppId(appId) === undefined ? [] : [[appId, Number(version)] as const],
    ),
  );
}

/** Returns the batches in log entries, by `topic/partition`. */
export function batchesOf(entries: readonly LogEntry[]): Map<string, PartitionHistory> {
  const histories = new Map<string, PartitionHistory>();
  for (const { info } of entries) {
    const parsed = BatchInfo.safeParse(info);
    if (!parsed.success) continue;
    const { batch, skipped } = parsed.data;
    for (const range of batch.ranges) {
      const key = `${batch.topic}/${range.partition}`;
      const history = histories.get(key) ?? { firstStart: range.start, skipped: new OffsetSet() };
      history.firstStart = Math.min(history.firstStart, range.start);
      if (skipped === true) history.skipped.addSpan(range);
      histories.set(key, history);
    }
  }
  return histories;
}
