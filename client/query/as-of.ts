import { InvalidArgumentError } from 'commander';
import { findMissingFiles } from '../../adapters/delta/missing-files.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatNumber } from '../../model/figures.ts';
import { BATCH_TABLES, TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { TIME_EXAMPLES, parseMilliseconds } from '../cli/arguments.ts';
import { landedOffsets } from '../verify/tables.ts';

/** A version of one table, or a time. */
export type AsOf = { readonly version: number } | { readonly timeMs: number };

/** Entries that are read at once to find a later version. */
const ENTRIES_PER_READ = 64;

/** Parses a whole number as a version, anything else as a time. */
export function parseAsOfArgument(text: string): AsOf {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return { version: Number(text) };
  const timeMs = parseMilliseconds(text);
  if (timeMs !== undefined) return { timeMs };
  throw new InvalidArgumentError(`It must be a version, which is a whole number, or ${TIME_EXAMPLES}.`);
}

/**
 * Reads tables as they were. Of a time, each table is at its last version committed until then, or at a later one if it
 * needs that to have each batch that is in the tables committed after it.
 * @throws {PipelineError} USAGE_INVALID for a version of several tables or none; VERSION_UNKNOWN for a version that did
 * not exist; VERSION_GONE for one that can no longer be read
 */
export async function snapshotsAsOf(
  warehouse: Warehouse,
  tables: readonly Table[],
  asOf: AsOf,
): Promise<Map<Table, Snapshot>> {
  const list = ({ name }: Table): Promise<TableVersions> =>
    TableVersions.list(warehouse.options.hdfs, warehouse.table(name).path);
  if ('version' in asOf) {
    const table = requireOne(tables);
    return new Map([[table, await (await list(table)).snapshotAt(asOf.version)]]);
  }
  const snapshots = new Map<Table, Snapshot>();
  /** The offsets of the batches that the tables committed later have, by partition. */
  const required = new Map<string, number>();
  for (const table of TABLES.toReversed().filter((one) => tables.includes(one))) {
    const log = await list(table);
    const found = await log.snapshotAt(await log.versionAt(asOf.timeMs));
    const hasBatches = BATCH_TABLES.includes(table);
    const snapshot = hasBatches ? await includeOffsets(log, found, required) : found;
    snapshots.set(table, snapshot);
    if (!hasBatches) continue;
    for (const [partition, offset] of landedOffsets(snapshot.txns))
      required.set(partition, Math.max(offset, required.get(partition) ?? 0));
  }
  return snapshots;
}

function requireOne(tables: readonly Table[]): Table {
  const [table, ...others] = tables;
  if (table !== undefined && others.length === 0) return table;
  const named = table === undefined ? 'no table' : tables.map(({ name }) => name).join(' and ');
  throw new PipelineError(
    'USAGE_INVALID',
    `--as-of with a version needs a query of exactly one table, since each table has its own versions, but the query ` +
      `names ${named}: give a time instead`,
  );
}

/** Returns the first version, from a snapshot's on, that has all the offsets. */
async function includeOffsets(
  log: TableVersions,
  snapshot: Snapshot,
  required: ReadonlyMap<string, number>,
): Promise<Snapshot> {
  const missing = new Map(required);
  const discard = (partition: string, offset: number): void => {
    if (offset >= (missing.get(partition) ?? Infinity)) missing.delete(partition);
  };
  for (const [partition, offset] of landedOffsets(snapshot.txns)) discard(partition, offset);
  const later = log.withEntry.filter((version) => version > snapshot.version);
  for (let read = 0; missing.size > 0 && read < later.length; read += ENTRIES_PER_READ) {
    for (const { version, actions } of await log.readEntries(later.slice(read, read + ENTRIES_PER_READ))) {
      for (const { txn } of actions) if (txn) discard(txn.appId, txn.version);
      if (missing.size === 0) return log.snapshotAt(version);
    }
  }
  const [lacking] = missing;
  if (lacking === undefined) return snapshot;
  throw new PipelineError(
    'VERSION_GONE',
    `no version of ${log.path} has the offsets of ${lacking[0]} up to ${lacking[1]}, which later tables have: ` +
      'its log was set back',
  );
}

/**
 * Requires that HDFS still has the data files of snapshots.
 * @throws {PipelineError} VERSION_GONE, naming the table, its version and a file
 */
export async function requireFiles(
  warehouse: Warehouse,
  snapshots: ReadonlyMap<Table, Snapshot | undefined>,
): Promise<void> {
  for (const [{ name }, snapshot] of snapshots) {
    if (snapshot === undefined) continue;
    const { path } = warehouse.table(name);
    const { version, files } = snapshot;
    const [first, ...more] = await findMissingFiles(warehouse.options.hdfs, path, files.values());
    if (first === undefined) continue;
    throw new PipelineError(
      'VERSION_GONE',
      `${path}: ${formatNumber(more.length + 1)} of the ${formatNumber(files.size)} data files of version ${version} ` +
        `are gone, as after a VACUUM; one of them is ${first}`,
    );
  }
}
