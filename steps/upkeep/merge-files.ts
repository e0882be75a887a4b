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

/** The count of rows, and two sums of their hashes, which do not depend on the rows' order. */
const Digest = z.tuple([z.coerce.string(), z.coerce.string(), z.coerce.string()]);

/**
 * Merges Parquet files of a table into one, with the rows in the order of their offsets, and proves that it has the same
 * rows: the same count, and the same sums of two hashes of all values of each row.
 * @throws {PipelineError} UPKEEP_MISMATCH when the rows differ; the output must then not be committed.
 */
export async function mergeFiles({
  table,
  inputs,
  output,
  temporaryFolder,
}: FilesToMerge): Promise<WrittenFile> {
  const options = { threads: 1, memoryLimit: MEMORY_LIMIT, temporaryFolder };
  return withDuckDb(options, async (connection) => {
    const files = (await offsetOrder(connection, inputs)).map((index) => inputs[index] ?? '');
    const columns = await columnsIn(connection, table, files);
    const written = await copyToParquet(connection, table, selectOf(columns, files), output);
    const [before, after] = [
      await digestOf(connection, columns, files),
      await digestOf(connection, columns, [output]),
    ];
    if (before.join() === after.join()) return written;
    throw new PipelineError(
      'UPKEEP_MISMATCH',
      `${table.name}: ${files.length} files have ${before[0]} rows, but the file that they were merged into has ` +
        `${after[0]} rows${before[0] === after[0] ? ' with other values' : ''}; nothing was committed`,
    );
  });
}

/** A column of the files, with the SQL that reads it. */
interface FileColumn {
  readonly name: string;
  readonly sql: string;
}

/**
 * Returns the columns of the files, also those that the table's definition does not have, without partition columns.
 * Values are cast to the table's types, since other programs write timestamps in other ways.
 */
async function columnsIn(
  connection: DuckDBConnection,
  table: Table,
  files: readonly string[],
): Promise<FileColumn[]> {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${readSql(files)}`);
  const partitions = new Set(PARTITION_COLUMNS.map(({ name }) => name));
  const types = new Map(table.columns.map(({ name, type }) => [name, duckDbType(type)]));
  return described
    .getRows()
    .map(([name]) => String(name))
    .filter((name) => !partitions.has(name))
    .map((name) => {
      const type = types.get(name);
      return { name, sql: type === undefined ? sqlName(name) : `${sqlName(name)}::${type}` };
    });
}

function selectOf(columns: readonly FileColumn[], files: readonly string[]): string {
  const list = columns.map(({ name, sql }) => `${sql} AS ${sqlName(name)}`);
  return `SELECT ${list.join(', ')} FROM ${readSql(files)}`;
}

/** Hashes each row twice, the second time with its values in reverse order. */
async function digestOf(
  connection: DuckDBConnection,
  columns: readonly FileColumn[],
  files: readonly string[],
): Promise<z.infer<typeof Digest>> {
  const values = columns.map(({ sql }) => sql);
  const read = await connection.runAndReadAll(
    `SELECT count(*)::VARCHAR, sum(hash(${values.join(', ')})::HUGEINT)::VARCHAR,
       sum(hash(${values.toReversed().join(', ')}, 1)::HUGEINT)::VARCHAR FROM ${readSql(files)}`,
  );
  return Digest.parse(read.getRows()[0]);
}

/** Returns the files' indexes in the order of their offsets; the given order for a table without offsets. */
async function offsetOrder(connection: DuckDBConnection, files: readonly string[]): Promise<number[]> {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${readSql(files)}`);
  const names = new Set(described.getRows().map(([name]) => name));
  if (!names.has('kafka_offset')) return [...files.keys()];
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

function readSql(files: readonly string[], options = ''): string {
  const list = files.map(sqlFile).join(', ');
  return `read_parquet([${list}], union_by_name = true, hive_partitioning = false${options})`;
}
