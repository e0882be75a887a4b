import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlFile, sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import { PARTITION_COLUMNS, duckDbType, type Table } from '../../tables/table.ts';
import { copyToParquet, type WrittenFile } from '../transform/table-files.ts';
import { orderByOffsets } from './offset-order.ts';

/** Parquet files to merge into one. All paths are absolute. */
export interface FilesToMerge {
  readonly table: Table;
  readonly inputs: readonly string[];
  readonly output: string;
  /** For DuckDB's spilled data. */
  readonly temporaryFolder: string;
}

/** DuckDB's memory limit; it spills to the disk beyond it. */
const MEMORY_LIMIT = '384MB';

/**
 * Merges Parquet files of a table into one, with the rows in the order of their offsets, and proves that it has the same
 * rows.
 * @throws {PipelineError} As {@link requireEqualRows}.
 */
export async function mergeFiles({
  table,
  inputs,
  output,
  temporaryFolder,
}: FilesToMerge): Promise<WrittenFile> {
  const options = { threads: 1, memoryLimit: MEMORY_LIMIT, temporaryFolder };
  return withDuckDb(options, async (connection) => {
    const names = await columnNames(connection, inputs);
    const order = names.includes('kafka_offset') ? await offsetOrder(connection, inputs) : [...inputs.keys()];
    const files = order.map((index) => inputs[index] ?? '');
    const columns = fileColumnsOf(table, names);
    const list = columns.map(({ name, sql }) => `${sql} AS ${sqlName(name)}`);
    const select = `SELECT ${list.join(', ')} FROM ${readSql(files)}`;
    const written = await copyToParquet(connection, table, select, output);
    await requireEqualRows(connection, table, files, output);
    return written;
  });
}

/** The row count and two sums of row hashes; independent of the order of the rows. */
const Digest = z.tuple([z.coerce.string(), z.coerce.string(), z.coerce.string()]);

/** A {@link Digest} of rows. */
export type RowsDigest = z.infer<typeof Digest>;

/**
 * Returns the count of rows, and two sums of hashes of all values of each row.
 * @param from SQL after FROM, with its conditions.
 */
export async function digestRows(
  connection: DuckDBConnection,
  columns: readonly FileColumn[],
  from: string,
): Promise<RowsDigest> {
  const values = columns.map(({ sql }) => sql);
  const result = await connection.runAndReadAll(
    `SELECT count(*)::VARCHAR, sum(hash(${values.join(', ')})::HUGEINT)::VARCHAR,
       sum(hash(${values.toReversed().join(', ')}, 1)::HUGEINT)::VARCHAR FROM ${from}`,
  );
  return Digest.parse(result.getRows()[0]);
}

/** Returns how rows differ from those that they replace; undefined if they are equal. */
export function differenceOf(before: RowsDigest, after: RowsDigest): string | undefined {
  if (before.join() === after.join()) return undefined;
  return before[0] === after[0]
    ? 'as many rows, with other values'
    : `${after[0]} rows in place of ${before[0]}`;
}

/**
 * Makes sure that a merged file has the rows of the files that it replaces, in any order: the same count, and the same
 * sums of two hashes of all values of each row.
 * @throws {PipelineError} UPKEEP_MISMATCH when they differ; the file must then not be committed.
 */
export async function requireEqualRows(
  connection: DuckDBConnection,
  table: Table,
  files: readonly string[],
  merged: string,
): Promise<void> {
  const columns = fileColumnsOf(table, await columnNames(connection, files));
  const before = await digestRows(connection, columns, readSql(files));
  const difference = differenceOf(before, await digestRows(connection, columns, readSql([merged])));
  if (difference === undefined) return;
  throw new PipelineError(
    'UPKEEP_MISMATCH',
    `${table.name}: ${files.length} files were merged into one that has ${difference}; it is not committed`,
  );
}

/** A column of the files, with the SQL that reads it. */
export interface FileColumn {
  readonly name: string;
  readonly sql: string;
}

/**
 * Returns the columns of the files, also those that the table's definition does not have, without partition columns.
 * Values are cast to the table's types, since other programs write timestamps in other ways.
 */
export function fileColumnsOf(table: Table, names: readonly string[]): FileColumn[] {
  const partitions = new Set(PARTITION_COLUMNS.map(({ name }) => name));
  const types = new Map(table.columns.map(({ name, type }) => [name, duckDbType(type)]));
  return names
    .filter((name) => !partitions.has(name))
    .map((name) => {
      const type = types.get(name);
      return { name, sql: type === undefined ? sqlName(name) : `${sqlName(name)}::${type}` };
    });
}

/** Returns the names of all columns that any of the files has. */
export async function columnNames(connection: DuckDBConnection, files: readonly string[]): Promise<string[]> {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${readSql(files)}`);
  return described.getRows().map(([name]) => String(name));
}

/** Returns the files' indexes in the order of their offsets. */
async function offsetOrder(connection: DuckDBConnection, files: readonly string[]): Promise<number[]> {
  const indexes = new Map(files.map((file, index) => [file, index]));
  const read = await connection.runAndReadAll(
    `SELECT filename, kafka_topic || '/' || kafka_partition, min(kafka_offset)
     FROM ${readSql(files, ', filename = true')} WHERE kafka_offset IS NOT NULL GROUP BY ALL`,
  );
  const offsets = read.getRows().map(([file, partition, first]) => ({
    file: indexes.get(String(file)) ?? 0,
    partition: String(partition),
    first: BigInt(String(first)),
  }));
  return orderByOffsets(files.length, offsets);
}

/** Returns the SQL after FROM that reads Parquet files. */
export function readSql(files: readonly string[], options = ''): string {
  const list = files.map(sqlFile).join(', ');
  return `read_parquet([${list}], union_by_name = true, hive_partitioning = false${options})`;
}
