import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlName, sqlText } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import type { PathCounts } from '../../records/check.ts';
import { deltaStats, type ColumnStatistics } from './column-statistics.ts';
import { duckDbType, type Table } from '../../tables/table.ts';

/** The destination of Parquet files. */
export interface FileTarget {
  /** The folder, relative to the run's staging folder. */
  readonly folder: string;
  /** The UTC day of the rows' partition, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Makes a path absolute. */
  readonly resolve: (path: string) => string;
}

/** The result row of DuckDB's `COPY … (RETURN_STATS)`. */
const CopyResult = z.object({
  count: z.coerce.number(),
  file_size_bytes: z.coerce.number(),
  column_statistics: z.array(
    z.object({ key: z.string(), value: z.array(z.object({ key: z.string(), value: z.string() })) }),
  ),
});

/** A Parquet file that DuckDB wrote. */
export interface WrittenFile {
  readonly rows: number;
  readonly bytes: number;
  /** Statistics of the table's columns, in Delta's JSON. */
  readonly stats: string;
}

/**
 * Writes the rows of a SELECT to a Parquet file, with the table's codec and row group size.
 * @param file Absolute.
 */
export async function copyToParquet(
  connection: DuckDBConnection,
  table: Table,
  select: string,
  file: string,
): Promise<WrittenFile> {
  const { rowGroupRows, compression = 'snappy' } = table;
  const grouped = rowGroupRows === undefined ? '' : `, ROW_GROUP_SIZE ${rowGroupRows}`;
  const copy = await connection.runAndReadAll(
    `COPY (${select}) TO ${sqlText(file)} (FORMAT parquet, COMPRESSION ${compression}, RETURN_STATS${grouped})`,
  );
  const result = CopyResult.parse(copy.getRowObjectsJson()[0]);
  const { count: rows, file_size_bytes: bytes } = result;
  return { rows, bytes, stats: deltaStats(table, rows, statisticsOf(result)) };
}

/**
 * Writes a table's rows of one source to a Parquet file.
 * @returns undefined, and writes no file, if there are no rows.
 */
export async function writeTable(
  connection: DuckDBConnection,
  table: Table,
  source: string,
  target: FileTarget,
): Promise<StagedFile | undefined> {
  const path = join(target.folder, `${table.name}.${shortHash(source)}.parquet`);
  const columns = table.columns.map(({ name, type }) =>
    // Strings are not cast: ENUM columns, whose values are texts too, are written faster as they are.
    type === 'string' ? sqlName(name) : `${sqlName(name)}::${duckDbType(type)} AS ${sqlName(name)}`,
  );
  const select = `SELECT ${columns.join(', ')} FROM (${table.select}) WHERE source = ${sqlText(source)}`;
  const written = await copyToParquet(connection, table, select, target.resolve(path));
  if (written.rows === 0) {
    await rm(target.resolve(path));
    return undefined;
  }
  return { table: table.name, partition: { source, ingested_on: target.ingestedOn }, path, ...written };
}

/**
 * Makes sure that each column of the files has as many values as the check counted in the messages, so that no batch
 * lands with a value turned into null or a row missing.
 * @throws {PipelineError} TRANSFORM_MISMATCH, naming the column and both counts.
 */
export function requireSameCounts(
  tables: readonly Table[],
  files: readonly StagedFile[],
  values: PathCounts,
): void {
  for (const table of tables) {
    for (const { name, field } of table.columns) {
      if (field === undefined) continue;
      const written = files
        .filter((file) => file.table === table.name)
        .reduce((sum, file) => sum + valuesIn(file, name), 0);
      const counted = values.get(field) ?? 0;
      if (written !== counted) {
        throw new PipelineError(
          'TRANSFORM_MISMATCH',
          `the messages have ${counted} values of ${field}, but ${table.name}.${name} would hold ${written}`,
        );
      }
    }
  }
}

function valuesIn(file: StagedFile, column: string): number {
  const { numRecords, nullCount } = JSON.parse(file.stats) as {
    numRecords: number;
    nullCount: Record<string, number>;
  };
  return numRecords - (nullCount[column] ?? numRecords);
}

function statisticsOf(result: z.infer<typeof CopyResult>): ReadonlyMap<string, ColumnStatistics> {
  return new Map(
    result.column_statistics.map(({ key, value }) => [
      key.slice(1, -1),
      Object.fromEntries(value.map((entry) => [entry.key, entry.value])),
    ]),
  );
}

/** Returns the first 16 hex digits of a text's SHA-256, for names of files. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
