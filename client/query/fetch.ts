import type { AddFile } from '../../adapters/delta/actions.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { TableCache, cacheFolderOf, type CachedTable } from '../../adapters/delta/table-cache.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { HdfsError } from '../../adapters/hdfs/webhdfs.ts';
import { formatBytes, formatNumber } from '../../model/figures.ts';
import type { Settings } from '../../model/settings.ts';
import { TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { openWarehouse } from '../cli/warehouse.ts';
import { requireFiles, snapshotsAsOf, type AsOf } from './as-of.ts';
import {
  fetchTables,
  findReferencedTables,
  rowCountOf,
  readSnapshots,
  type LocalTable,
} from './live-tables.ts';
import { hasOtherColumns, mayMatch } from './pruning.ts';
import { parsePlainSelect, type PlainSelect } from './statement.ts';

/** The tables that a query reads, on this machine. */
export interface FetchedTables {
  /** All tables; those that the query does not name were not fetched. */
  readonly tables: readonly LocalTable[];
  /** The version of each table that the query names; undefined for a table that does not exist yet. */
  readonly versions: ReadonlyMap<string, number | undefined>;
  /** The number of files read and fetched, for people. */
  readonly summary: string;
}

/**
 * Fetches the files that a query needs: of a simple SELECT from one table only those that may have rows of its result,
 * and none to count the rows of a table whose log has them.
 * @param asOf The version or the time of the tables; undefined for the newest versions.
 * @throws {PipelineError} As {@link snapshotsAsOf}, {@link TableCache.sync} and {@link readSnapshots}
 */
export async function fetchForQuery(
  settings: Settings,
  sql: string,
  asOf: AsOf | undefined,
): Promise<FetchedTables> {
  const { hdfs } = settings;
  const warehouse = openWarehouse(settings);
  const [select, snapshots] = await Promise.all([
    parsePlainSelect(sql),
    snapshotsOfQuery(warehouse, [...findReferencedTables(sql)], asOf),
  ]);
  const versions = new Map([...snapshots].map(([{ name }, snapshot]) => [name, snapshot?.version]));
  const counted = select === undefined ? undefined : countOf(select, snapshots);
  if (counted !== undefined) {
    const tables = TABLES.map((table) => ({
      table,
      files: null,
      rows: table === select?.table ? counted : undefined,
    }));
    return { tables, versions, summary: 'rows by the log; files: 0, fetched: 0 (0 B)' };
  }
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const cached = await fetchWanted(cache, warehouse, snapshots, wantedBy(select, snapshots));
  const live = [...snapshots.values()].reduce((sum, snapshot) => sum + (snapshot?.files.size ?? 0), 0);
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  return { tables, versions, summary: formatFetches([...cached.values()], live) };
}

type Snapshots = ReadonlyMap<Table, Snapshot | undefined>;

async function snapshotsOfQuery(
  warehouse: Warehouse,
  tables: readonly Table[],
  asOf: AsOf | undefined,
): Promise<Snapshots> {
  return asOf === undefined ? readSnapshots(warehouse, tables) : snapshotsAsOf(warehouse, tables, asOf);
}

/** Returns the rows of the table that a SELECT counts; undefined if it does more, or a file has no row count. */
function countOf({ table, isCount }: PlainSelect, snapshots: Snapshots): number | undefined {
  if (!isCount || !snapshots.has(table)) return undefined;
  let sum = 0;
  for (const file of snapshots.get(table)?.files.values() ?? []) {
    const rows = rowCountOf(file);
    if (rows === undefined) return undefined;
    sum += rows;
  }
  return sum;
}

function wantedBy(
  select: PlainSelect | undefined,
  snapshots: Snapshots,
): (table: Table, file: AddFile) => boolean {
  const metadata = select === undefined ? undefined : snapshots.get(select.table)?.metadata;
  if (select === undefined || metadata === undefined || hasOtherColumns(select.table, metadata))
    return () => true;
  return (table, file) => table !== select.table || mayMatch(file, select.conditions);
}

/** @throws {PipelineError} VERSION_GONE where a data file of a version does not exist any more */
async function fetchWanted(
  cache: TableCache,
  warehouse: Warehouse,
  snapshots: Snapshots,
  isWanted: (table: Table, file: AddFile) => boolean,
): Promise<Map<Table, CachedTable>> {
  try {
    return await fetchTables(cache, warehouse, snapshots, { isWanted });
  } catch (error) {
    if (error instanceof HdfsError && error.exception === 'FileNotFoundException')
      await requireFiles(warehouse, snapshots);
    throw error;
  }
}

function formatFetches(tables: readonly CachedTable[], live: number): string {
  const sum = (count: (table: CachedTable) => number): number =>
    tables.reduce((total, table) => total + count(table), 0);
  const files = sum((table) => table.files.length);
  const fetched = sum((table) => table.fetched);
  const bytes = sum((table) => table.fetchedBytes);
  const ofLive = files === live ? '' : ` of ${formatNumber(live)}`;
  return `files: ${files}${ofLive}, fetched: ${fetched} (${formatBytes(bytes)})`;
}
