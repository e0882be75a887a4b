import { rm } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlName, withDuckDb, asDuckDbError } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Table } from '../../tables/table.ts';
import { copyToParquet, type WrittenFile } from '../transform/table-files.ts';
import { columnNames, fileColumnsOf, differenceOf, digestRows, readSql } from '../upkeep/merge-files.ts';
import { erasedCondition, type ErasedRows } from './erased-rows.ts';

/** A Parquet file to write again without erased rows. All paths are absolute. */
export interface FileToRewrite {
  readonly table: Table;
  readonly input: string;
  readonly output: string;
  /** For DuckDB's spilled data. */
  readonly temporaryFolder: string;
  readonly erased: ErasedRows;
}

/** A file without the erased rows. */
export interface RewrittenFile {
  /** The number of rows that were left out. */
  readonly removed: number;
  /** The written file; undefined if no row was left out, or no row is left. */
  readonly written?: WrittenFile;
}

/** DuckDB's memory limit; it spills to the disk beyond it. */
const MEMORY_LIMIT = '384MB';

const Counts = z.tuple([z.coerce.number(), z.coerce.number()]);

/**
 * Writes a file again without erased rows, the others in their order, and proves that these are the same: their count and
 * two sums of hashes of all values.
 * @throws {PipelineError} UPKEEP_MISMATCH when they differ; TRANSFORM_FAILED for a file that DuckDB cannot read
 */
export async function rewriteFile({
  table,
  input,
  output,
  temporaryFolder,
  erased,
}: FileToRewrite): Promise<RewrittenFile> {
  return withErasedRows(input, { temporaryFolder, erased }, async (connection, condition, names) => {
    const removed = await countRows(connection, input, condition);
    if (removed.erased === 0) return { removed: 0 };
    const columns = fileColumnsOf(table, names);
    const kept = `${readSql([input])} WHERE NOT (${condition})`;
    const list = columns.map(({ name, sql }) => `${sql} AS ${sqlName(name)}`);
    const written = await copyToParquet(connection, table, `SELECT ${list.join(', ')} FROM ${kept}`, output);
    const before = await digestRows(connection, columns, kept);
    const after = await digestRows(connection, columns, readSql([output]));
    const difference = differenceOf(before, after);
    if (difference !== undefined || written.rows + removed.erased !== removed.all)
      throw new PipelineError(
        'UPKEEP_MISMATCH',
        `${table.name}: a file was written again without ${removed.erased} of its ${removed.all} rows, and has ` +
          `${difference ?? `${written.rows} rows`}; it is not committed`,
      );
    if (written.rows > 0) return { removed: removed.erased, written };
    await rm(output);
    return { removed: removed.erased };
  });
}

/** Returns the number of erased rows in a file; 0 if no row of such a table is of a message. */
export async function countErasedRows(
  input: string,
  options: Pick<FileToRewrite, 'temporaryFolder' | 'erased'>,
): Promise<number> {
  return withErasedRows(
    input,
    options,
    async (connection, condition) => (await countRows(connection, input, condition)).erased,
  );
}

async function withErasedRows<T>(
  input: string,
  { temporaryFolder, erased }: Pick<FileToRewrite, 'temporaryFolder' | 'erased'>,
  use: (connection: DuckDBConnection, condition: string, names: string[]) => Promise<T>,
): Promise<T> {
  try {
    return await withDuckDb(
      { threads: 1, memoryLimit: MEMORY_LIMIT, temporaryFolder },
      async (connection) => {
        await erased.createRelations(connection);
        const names = await columnNames(connection, [input]);
        return use(connection, erasedCondition(names) ?? 'false', names);
      },
    );
  } catch (thrown) {
    throw asDuckDbError(thrown, 'reading a data file');
  }
}

async function countRows(
  connection: DuckDBConnection,
  input: string,
  condition: string,
): Promise<{ erased: number; all: number }> {
  const result = await connection.runAndReadAll(
    `SELECT count(*) FILTER (erased), count(*) FROM (SELECT ${condition} AS erased FROM ${readSql([input])})`,
  );
  const [erased, all] = Counts.parse(result.getRows()[0]);
  return { erased, all };
}
