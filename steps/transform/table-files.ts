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

/** Where files are written to. */
export interface FileTarget {
  /** Relative to the run's staging folder. */
  readonly folder: string;
  readonly ingestedOn: string;
  /** Makes a path absolute. */
  readonly resolve: (path: string) => string;
}

/** What `COPY … (RETURN_STATS)` of DuckDB answers. */
const CopyAnswer = z.object({
  count: z.coerce.number(),
  file_size_bytes: z.coerce.number(),
  column_statistics: z.array(
    z.object({ key: z.string(), value: z.array(z.object({ key: z.string(), value: z.string() })) }),
  ),
});

/**
 * Writes a table's rows of one source to a Parquet file.
 * @returns undefined where there is no row, and then there is no file.
 */
export async function writeTable(
  connection: DuckDBConnection,
  table: Table,
  source: string,
  target: FileTarget,
): Promise<StagedFile | undefined> {
  const path = join(target.folder, `${table.name}.${shortHash(source)}.parquet`);
  const columns = table.columns.map(({ name, type }) =>
    // A text that is a member of an ENUM is written as it is, in less time.
    type === 'string' ? sqlName(name) : `${sqlName(name)}::${duckDbType(type)} AS ${sqlName(name)}`,
  );
  const { rowGroupRows, compression = 'snappy' } = table;
  const grouped = rowGroupRows === undefined ? '' : `, ROW_GROUP_SIZE ${rowGroupRows}`;
  const read = await connection.runAndReadAll(
    `COPY (SELECT ${columns.join(', ')} FROM (${table.select}) WHERE source = ${sqlText(source)})
     TO ${sqlText(target.resolve(path))} (FORMAT parquet, COMPRESSION ${compression}, RETURN_STATS${grouped})`,
  );
  const answer = CopyAnswer.parse(read.getRowObjectsJson()[0]);
  if (answer.count === 0) {
    await rm(target.resolve(path));
    return undefined;
  }
  return {
    table: table.name,
    partition: { source, ingested_on: target.ingestedOn },
    path,
    rows: answer.count,
    bytes: answer.file_size_bytes,
    stats: deltaStats(table, answer.count, statisticsOf(answer)),
  };
}

/**
 * Makes sure that what the check of the messages counted is what the files hold, column by column: a value
 * that turned into null on the way, or a row that went missing, stops the batch before anything lands.
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
      const held = files
        .filter((file) => file.table === table.name)
        .reduce((sum, file) => sum + valuesIn(file, name), 0);
      const counted = values.get(field) ?? 0;
      if (held !== counted) {
        throw new PipelineError(
          'TRANSFORM_MISMATCH',
          `the messages have ${counted} values of ${field}, but ${table.name}.${name} would hold ${held}`,
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

function statisticsOf(answer: z.infer<typeof CopyAnswer>): ReadonlyMap<string, ColumnStatistics> {
  return new Map(
    answer.column_statistics.map(({ key, value }) => [
      key.slice(1, -1),
      Object.fromEntries(value.map((entry) => [entry.key, entry.value])),
    ]),
  );
}

/** A short name for any text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
