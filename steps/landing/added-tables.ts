import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import { DERIVED_TABLES, deliveries } from '../../tables/index.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { rebuildAdvice } from './rebuild-advice.ts';
import {
  firstOffsetAppId,
  isErasureAppId,
  isTopicAppId,
  parseFirstOffsetAppId,
  parsePartitionAppId,
  partitionAppId,
  tableAppId,
} from './transaction-ids.ts';

/** The versions of a table's transactions, by application id. */
export type Transactions = ReadonlyMap<string, bigint>;

/**
 * Creates a table unless it exists; see `DeltaTable.createIfMissing`. A table that is filled from batches begins where
 * `deliveries` is. No batch can fall between the reading of `deliveries` and the creation: a batch is committed to
 * `deliveries` only after it is in all other tables, so also in this one, which it creates first.
 * @throws {PipelineError} TABLE_LOG_INVALID when `deliveries` has batches of the missing table; TABLE_OTHER_COLUMNS
 */
export async function createTable(warehouse: Warehouse, table: Table, scratch: string): Promise<void> {
  await warehouse.table(table.name).createIfMissing(deltaMetadata(table), scratch, async () => {
    if (!DERIVED_TABLES.includes(table)) return new Map();
    const head = await warehouse.table(deliveries.name).head();
    return initialTransactions(warehouse.path, table.name, head?.txns);
  });
}

/**
 * Returns the transactions that a missing table begins with: the position of `deliveries` in each partition, and the
 * same as the offset from which the table has rows.
 * @param landed The transactions of `deliveries`; undefined if it does not exist.
 * @throws {PipelineError} TABLE_LOG_INVALID when `deliveries` has batches of the table, which was then deleted
 */
export function initialTransactions(
  warehouse: string,
  table: string,
  landed: Transactions | undefined,
): Transactions {
  if (landed === undefined) return new Map();
  if (!isNew(table, landed)) {
    throw new PipelineError(
      'TABLE_LOG_INVALID',
      `${warehouse}/${table} does not exist, but ${deliveries.name} has batches that are in it: it was deleted or moved` +
        rebuildAdvice(table),
    );
  }
  return transactionsAt(landed);
}

/**
 * Returns the transactions of a table that begins at a position without the rows before it.
 * @param landed The transactions of `deliveries`.
 */
export function transactionsAt(landed: Transactions): Transactions {
  const txns = new Map<string, bigint>();
  for (const [appId, version] of landed) {
    const partition = parsePartitionAppId(appId);
    if (partition !== undefined)
      txns.set(appId, version).set(firstOffsetAppId(partition.topic, partition.partition), version);
    else if (isTopicAppId(appId) || isErasureAppId(appId)) txns.set(appId, version);
  }
  return txns;
}

/**
 * Returns whether a missing table is a new one, rather than one that was deleted.
 * @param landed The transactions of `deliveries`.
 */
export function isNew(table: string, landed: Transactions): boolean {
  return !landed.has(tableAppId(table));
}

/** Returns the offset from which a table has rows, by `topic/partition`; empty if it was never added to a warehouse. */
export function firstOffsetsIn(txns: Transactions): Map<string, string> {
  return new Map(
    [...txns].flatMap(([appId, version]) => {
      const partition = parseFirstOffsetAppId(appId);
      return partition === undefined || version === 0n
        ? []
        : [[partitionAppId(partition.topic, partition.partition), String(version)] as const];
    }),
  );
}
