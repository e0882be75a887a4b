import { mkdtemp } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { AddFile } from '../adapters/delta-actions.ts';
import type { Snapshot } from '../adapters/delta-snapshot.ts';
import { sqlName, sqlText, withDuckDb } from '../adapters/duckdb.ts';
import type { CachedTable, TableCache } from '../adapters/table-cache.ts';
import type { Warehouse } from '../adapters/warehouse.ts';
import { TABLES } from '../tables/index.ts';
import { PARTITION_COLUMNS, duckDbType, type Table } from '../tables/table.ts';
import { VIEWS } from '../tables/views.ts';
import { withTemporary } from './interrupt.ts';

/** A table and its live files on this machine; null for those that were not brought here. */
export interface LocalTable {
  readonly table: Table;
  readonly files: readonly string[] | null;
}

const Stats = z.object({ numRecords: z.int() });

/** DuckDB may take this part of the machine's memory before it spills to disk. */
const MEMORY_SHARE = 0.5;

/**
 * The tables as the log says they are now; a table that nobody has made yet is undefined. What is seen in one of them is
 * seen in those that are committed before it, too, whatever lands meanwhile.
 */
export async function snapshotsOf(
  warehouse: Warehouse,
  tables: readonly Table[],
): Promise<Map<Table, Snapshot | undefined>> {
  const read = ({ name }: Table): Promise<Snapshot | undefined> => warehouse.table(name).snapshot();
  // Most of the reading is done at once; what came since takes little.
  await Promise.all(tables.map(read));
  const snapshots = new Map<Table, Snapshot | undefined>(tables.map((table) => [table, undefined]));
  for (const table of TABLES.toReversed()) if (snapshots.has(table)) snapshots.set(table, await read(table));
  return snapshots;
}

/** Brings the live files of tables here; `recheck` as for {@link TableCache.sync}. */
export async function fetchTables(
  cache: TableCache,
  warehouse: Warehouse,
  snapshots: ReadonlyMap<Table, Snapshot | undefined>,
  options: { readonly recheck?: boolean } = {},
): Promise<Map<Table, CachedTable>> {
  const cached = new Map<Table, CachedTable>();
  for (const [table, snapshot] of snapshots) {
    const live = snapshot?.files.values() ?? [];
    cached.set(table, await cache.sync(warehouse.table(table.name).path, live, options));
  }
  return cached;
}

/** Runs something with a DuckDB in which each table and each view can be queried by its name. */
export async function withTables<T>(
  tables: readonly LocalTable[],
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  // Of its own, since DuckDB's spilled files of two processes would have the same names.
  const temporaryFolder = await mkdtemp(join(tmpdir(), 'assessment-pipeline-'));
  const memoryLimit = `${Math.floor((totalmem() * MEMORY_SHARE) / 2 ** 20)}MiB`;
  return withTemporary(temporaryFolder, () =>
    withDuckDb({ threads: availableParallelism(), memoryLimit, temporaryFolder }, async (connection) => {
      for (const { table, files } of tables) {
        await connection.run(`CREATE VIEW ${sqlName(table.name)} AS ${selectOf(table, files)}`);
      }
      for (const { name, select } of VIEWS) await connection.run(`CREATE VIEW ${sqlName(name)} AS ${select}`);
      return use(connection);
    }),
  );
}

/**
 * The tables that a text can be about: those that it names, and those that views it names are made of. A
 * word that only looks like a table costs no more than its files.
 */
export function tablesNamedIn(sql: string): Set<Table> {
  const named = new Set(TABLES.filter(({ name }) => isNamed(name, sql)));
  for (const view of VIEWS) {
    if (isNamed(view.name, sql)) for (const table of tablesNamedIn(view.select)) named.add(table);
  }
  return named;
}

/** How many rows a live file has, as its log entry says; undefined where that says nothing of it. */
export function rowsOf({ stats }: AddFile): number | undefined {
  const parsed = Stats.safeParse(typeof stats === 'string' ? JSON.parse(stats) : undefined);
  return parsed.success ? parsed.data.numRecords : undefined;
}

/** The columns of a table or view, in order. */
export async function columnNamesOf(connection: DuckDBConnection, name: string): Promise<string[]> {
  const result = await connection.run(`SELECT * FROM ${sqlName(name)} LIMIT 0`);
  return result.columnNames();
}

function isNamed(name: string, sql: string): boolean {
  return new RegExp(`\\b${name}\\b`, 'i').test(sql);
}

/**
 * A table's columns are there with their types whatever its files hold: also without a file, and where older
 * files lack a column.
 */
function selectOf(table: Table, files: readonly string[] | null): string {
  const columns = [...table.columns, ...PARTITION_COLUMNS].map(
    ({ name, type }) => `NULL::${duckDbType(type)} AS ${sqlName(name)}`,
  );
  const empty = `SELECT ${columns.join(', ')} WHERE`;
  if (files === null) {
    const text = `the table ${table.name} was not fetched, for the query does not have its name as a word`;
    return `${empty} error(${sqlText(text)})`;
  }
  if (files.length === 0) return `${empty} false`;
  const types = PARTITION_COLUMNS.map(({ name, type }) => `${sqlName(name)}: ${duckDbType(type)}`);
  return `${empty} false UNION ALL BY NAME SELECT * FROM read_parquet([${files.map(sqlText).join(', ')}],
    union_by_name = true, hive_partitioning = true, hive_types = {${types.join(', ')}})`;
}
