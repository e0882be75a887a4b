import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection, DuckDBResult, Json } from '@duckdb/node-api';
import { sqlText } from '../../adapters/duckdb/database.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { escapeJson } from '../../model/printable.ts';
import { formatTable, printError } from '../cli/output.ts';
import { isOutputTerminal, streamOutput } from '../cli/output/streams.ts';
import type { Cell } from '../cli/output/table.ts';
import { streamReadOnly } from './access.ts';
import { csvLines } from './csv.ts';
import type { OutputFormat } from './file.ts';
import { requireSelect } from './select.ts';
import { toJson } from './values.ts';

/** Limits of a table for people: rows, and characters of a value. */
const MAX_ROWS = 1_000;
const MAX_CHARACTERS = 80;

/** A query, and the format and destination of its result; without a file, standard output. */
export interface QueryRequest {
  readonly sql: string;
  readonly format: OutputFormat;
  readonly file: string | undefined;
  /** Whether the query is exempt from the checks of {@link streamReadOnly}. */
  readonly isTrusted: boolean;
  /** Whether a CSV is escaped for spreadsheets. */
  readonly csvSafe: boolean;
}

/**
 * Runs a query and streams its result to the file or standard output, in constant memory.
 * @returns The number of rows written.
 */
export async function writeAnswer(connection: DuckDBConnection, answer: QueryRequest): Promise<number> {
  const { sql, format, file, isTrusted } = answer;
  if (format === 'parquet') return writeParquet(connection, answer, file ?? '');
  const counted = { rows: 0 };
  const result = await (isTrusted ? connection.stream(sql) : streamReadOnly(connection, sql));
  await write(textsOf(result, counted, answer), answer);
  return counted.rows;
}

interface Counted {
  rows: number;
}

function textsOf(
  result: DuckDBResult,
  counted: Counted,
  { format, csvSafe, file }: QueryRequest,
): AsyncGenerator<string> {
  if (format === 'json') return jsonTexts(result, counted);
  if (format !== 'csv') return tableTexts(result, counted);
  const style = { isForTerminal: file === undefined && isOutputTerminal(), isForSpreadsheet: csvSafe };
  return csvLines(result, style, (rows) => {
    counted.rows += rows;
  });
}

/** Yields a JSON array, a line per row. */
async function* jsonTexts(result: DuckDBResult, counted: Counted): AsyncGenerator<string> {
  const names = result.deduplicatedColumnNames();
  yield '[';
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    const texts = chunk.map((row) =>
      escapeJson(JSON.stringify(Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])))),
    );
    yield `${counted.rows === 0 ? '\n' : ',\n'}${texts.join(',\n')}`;
    counted.rows += chunk.length;
  }
  yield '\n]\n';
}

/** Yields a table for people: the first rows, with long values cut. */
async function* tableTexts(result: DuckDBResult, counted: Counted): AsyncGenerator<string> {
  const names = result.columnNames();
  const rows: (Json | null)[][] = [];
  let hasMore = false;
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    const remaining = MAX_ROWS - rows.length;
    rows.push(...chunk.slice(0, remaining));
    hasMore = chunk.length > remaining;
    if (hasMore) break;
  }
  counted.rows = rows.length;
  const table = formatTable(
    names,
    rows.map((row) => row.map(cellOf)),
    {
      cellCharacters: MAX_CHARACTERS,
      formatNumber: String,
      isRight: (column) => rows.some((row) => typeof row[column] === 'number'),
    },
  );
  yield `${table.join('\n')}\n`;
  if (hasMore) printError(`These are the first ${MAX_ROWS} rows; use --format csv or json for all rows.`);
}

function cellOf(value: Json): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  return value === null ? 'NULL' : JSON.stringify(value);
}

/** Writes Parquet with DuckDB, which keeps the columns' types; returns the number of rows. */
async function writeParquet(
  connection: DuckDBConnection,
  { sql, isTrusted }: QueryRequest,
  file: string,
): Promise<number> {
  await requireSelect(connection, sql, { option: '--format parquet', isTrusted });
  // Through a view, since a query may end with a semicolon or a comment, which cannot be nested in COPY.
  await connection.run(`CREATE TEMP VIEW "the answer" AS ${sql}`);
  const copied = await connection.run(
    `COPY (FROM "the answer") TO ${sqlText(file)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
  );
  return copied.rowsChanged;
}

async function write(texts: AsyncIterable<string>, { format, file }: QueryRequest): Promise<void> {
  if (file === undefined) {
    // A CSV for another program is byte-exact.
    await streamOutput(texts, { exact: format === 'csv' && !isOutputTerminal() });
    return;
  }
  await pipeline(Readable.from(texts), createWriteStream(file)).catch((cause: unknown) => {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new PipelineError('OUTPUT_UNWRITABLE', messageOf(cause), { cause });
  });
}
