import { availableParallelism, totalmem } from 'node:os';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { sqlFile, sqlName, sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { CachedFile, CachedTable, TableCache } from '../../adapters/delta/table-cache.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import { TABLES, VIEWS } from '../../tables/index.ts';
import { PARTITION_COLUMNS, duckDbType, type Column, type Table } from '../../tables/table.ts';
import { withTemporaryFolder } from '../cli/interrupt.ts';

export { rowCountOf } from '../../adapters/delta/rewrites.ts';

/** A table and the local copies of its live files; null if they were not fetched. */
export interface LocalTable {
  readonly table: Table;
  readonly files: readonly CachedFile[] | null;
  /** The number of all-null rows that replace its files, for a query that only counts them. */
  readonly rows?: number | undefined;
  /** An SQL condition of the rows that are visible; default all. */
  readonly where?: string | undefined;
}

/** Permissions of SQL besides reading the tables. */
export interface SqlAccess {
  /** Whether SQL may do everything that this process may; otherwise it can only open the tables' files and {@link writes}. */
  readonly isTrusted?: boolean;
  /** Absolute path of a file that SQL may write. */
  readonly writes?: string;
}

/** Share of the machine's memory that DuckDB uses before it spills to disk. */
const MEMORY_SHARE = 0.5;

/**
 * Reads the current snapshot of each table; undefined for a table that does not exist yet. The snapshots are consistent:
 * a batch that is visible in one table is also visible in the tables that are committed before it.
 */
export async function readSnapshots(
  warehouse: Warehouse,
  tables: readonly Table[],
): Promise<Map<Table, Snapshot | undefined>> {
  const read = ({ name }: Table): Promise<Snapshot | undefined> => warehouse.table(name).snapshot();
  // Loads the logs concurrently; the ordered reads below only fetch newer commits.
  await Promise.all(tables.map(read));
  const snapshots = new Map<Table, Snapshot | undefined>(tables.map((table) => [table, undefined]));
  for (const table of TABLES.toReversed()) if (snapshots.has(table)) snapshots.set(table, await read(table));
  return snapshots;
}

/** Options of {@link fetchTables}. */
export interface FetchOptions {
  /** As for {@link TableCache.sync}. */
  readonly recheck?: boolean;
  /** Selects the files to fetch; default all. */
  readonly isWanted?: (table: Table, file: AddFile) => boolean;
}

/** Fetches the live files of tables into the cache. */
export async function fetchTables(
  cache: TableCache,
  warehouse: Warehouse,
  snapshots: ReadonlyMap<Table, Snapshot | undefined>,
  { recheck = false, isWanted = () => true }: FetchOptions = {},
): Promise<Map<Table, CachedTable>> {
  const cached = new Map<Table, CachedTable>();
  for (const [table, snapshot] of snapshots) {
    const live = [...(snapshot?.files.values() ?? [])];
    const wanted = live.filter((file) => isWanted(table, file));
    cached.set(table, await cache.sync(warehouse.table(table.name).path, wanted, { recheck, keep: live }));
  }
  return cached;
}

/**
 * Calls `use` with a DuckDB connection in which each table and each view can be queried by its name.
 * @throws {PipelineError} TABLE_LOG_INVALID for invalid partition values in a log
 */
export async function withTables<T>(
  tables: readonly LocalTable[],
  use: (connection: DuckDBConnection) => Promise<T>,
  { isTrusted = false, writes }: SqlAccess = {},
): Promise<T> {
  const memoryLimit = `${Math.floor((totalmem() * MEMORY_SHARE) / 2 ** 20)}MiB`;
  const readable = tables.flatMap(({ files }) => (files ?? []).map(({ path }) => path));
  const options = {
    threads: availableParallelism(),
    memoryLimit,
    ...(isTrusted ? {} : { onlyFiles: writes === undefined ? readable : [...readable, writes] }),
  };
  // One per process, since DuckDB's spill files of two processes would have the same names.
  return withTemporaryFolder((temporaryFolder) =>
    withDuckDb({ ...options, temporaryFolder }, async (connection) => {
      for (const table of tables) await createTableView(connection, table);
      for (const { name, select } of VIEWS) await connection.run(`CREATE VIEW ${sqlName(name)} AS ${select}`);
      return use(connection);
    }),
  );
}

/**
 * Finds the tables that SQL names, directly or through a view. A word that merely equals a table's name only costs the
 * fetch of its files.
 */
export function findReferencedTables(sql: string): Set<Table> {
  const named = new Set(TABLES.filter(({ name }) => isNamed(name, sql)));
  for (const view of VIEWS) {
    if (isNamed(view.name, sql)) for (const table of findReferencedTables(view.select)) named.add(table);
  }
  return named;
}

/** Returns the column names of a table or view, in order. */
export async function columnNamesOf(connection: DuckDBConnection, name: string): Promise<string[]> {
  const result = await connection.run(`SELECT * FROM ${sqlName(name)} LIMIT 0`);
  return result.columnNames();
}

function isNamed(name: string, sql: string): boolean {
  return new RegExp(`\\b${name}\\b`, 'i').test(sql);
}

/**
 * Creates the view of a table. Its columns have the table's types even without a file, and if older files lack a
 * column.
 */
async function createTableView(
  connection: DuckDBConnection,
  { table, files, rows: count, where }: LocalTable,
): Promise<void> {
  const columns = [...table.columns, ...PARTITION_COLUMNS].map(
    ({ name, type }) => `NULL::${duckDbType(type)} AS ${sqlName(name)}`,
  );
  const rows =
    count === undefined ? `WHERE ${await rowsClause(connection, table, files)}` : `FROM range(${count})`;
  const select = `SELECT ${columns.join(', ')} ${rows}`;
  const visible = where === undefined ? select : `FROM (${select}) WHERE ${where}`;
  await connection.run(`CREATE VIEW ${sqlName(table.name)} AS ${visible}`);
}

/** Returns the SQL after `WHERE` that completes an empty SELECT of all columns with the rows of the files. */
async function rowsClause(
  connection: DuckDBConnection,
  table: Table,
  files: readonly CachedFile[] | null,
): Promise<string> {
  if (files === null) {
    const text = `the table ${table.name} was not fetched, since the query does not contain its name as a word`;
    return `error(${sqlText(text)})`;
  }
  if (files.length === 0) return 'false';
  const partitions = new Map(files.map(({ partition, partitionValues }) => [partition, partitionValues]));
  const partitionType = `${table.name}_partition`;
  await connection.run(
    `CREATE TYPE ${partitionType} AS ENUM (${[...partitions.keys()].map(sqlText).join(', ')})`,
  );
  // The folder name only identifies the partition. Its values come from the log, since folder names are untyped and
  // DuckDB reads some as null. DuckDB evaluates this once per file and skips files that a filter excludes.
  const values = PARTITION_COLUMNS.map((column) => {
    const literals = [...partitions.values()].map((partitionValues) =>
      partitionLiteral(table, column, partitionValues[column.name]),
    );
    const list = `([${literals.join(', ')}]::${duckDbType(column.type)}[])`;
    return `${list}[enum_code(partition)::BIGINT + 1] AS ${sqlName(column.name)}`;
  });
  const others = ['partition', ...PARTITION_COLUMNS.map(({ name }) => name)].map(sqlText).join(', ');
  return `false UNION ALL BY NAME SELECT COLUMNS(c -> lower(c) NOT IN (${others})), ${values.join(', ')}
    FROM read_parquet([${files.map(({ path }) => sqlFile(path)).join(', ')}],
      union_by_name = true, hive_partitioning = true, hive_types = {partition: ${partitionType}})`;
}

/** @throws {PipelineError} TABLE_LOG_INVALID for a value that is missing or not of the column's type. */
function partitionLiteral(table: Table, { name, type }: Column, value: string | null | undefined): string {
  if (value === null) return 'NULL';
  if (value !== undefined && (type !== 'date' || z.iso.date().safeParse(value).success))
    return sqlText(value);
  const found = value === undefined ? 'no value' : JSON.stringify(value);
  throw new PipelineError(
    'TABLE_LOG_INVALID',
    `the log of ${table.name} names a file whose partition column ${name} has ${found}, expected a ${type}`,
  );
}
