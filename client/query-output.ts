import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection, DuckDBResult, Json } from '@duckdb/node-api';
import Table from 'cli-table3';
import { sqlText } from '../adapters/duckdb.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { printError } from './output.ts';
import { streamReadOnly } from './query-access.ts';
import type { Format } from './query-file.ts';
import { requireSelect } from './query-select.ts';
import { toJson } from './query-values.ts';

/** A table for people shows so many rows, and so much of each value. */
const MOST_ROWS = 1_000;
const MOST_CHARACTERS = 80;

/** A query, and where its answer goes: a file, or else standard output. */
export interface Answer {
  readonly sql: string;
  readonly format: Format;
  readonly file: string | undefined;
  /** Whether the query may do more than read; see {@link streamReadOnly}. */
  readonly isTrusted: boolean;
}

/**
 * Asks a query and writes its answer while it comes, so that it may be of any size.
 * @returns How many rows were written.
 */
export async function writeAnswer(connection: DuckDBConnection, answer: Answer): Promise<number> {
  const { sql, format, file, isTrusted } = answer;
  if (format === 'parquet') return writeParquet(connection, sql, file ?? '');
  const counted = { rows: 0 };
  const result = await (isTrusted ? connection.stream(sql) : streamReadOnly(connection, sql));
  await write(TEXTS[format](result, counted), file);
  return counted.rows;
}

interface Counted {
  rows: number;
}

const TEXTS: Readonly<
  Record<Exclude<Format, 'parquet'>, (result: DuckDBResult, counted: Counted) => AsyncGenerator<string>>
> = { json: jsonTexts, csv: csvTexts, table: tableTexts };

/** A JSON array, a line a row. */
async function* jsonTexts(result: DuckDBResult, counted: Counted): AsyncGenerator<string> {
  const names = result.deduplicatedColumnNames();
  yield '[';
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    const texts = chunk.map((row) =>
      JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))),
    );
    yield `${counted.rows === 0 ? '\n' : ',\n'}${texts.join(',\n')}`;
    counted.rows += chunk.length;
  }
  yield '\n]\n';
}

/** CSV as in RFC 4180, with a header. A null is an empty field, an empty text is quoted. */
async function* csvTexts(result: DuckDBResult, counted: Counted): AsyncGenerator<string> {
  const line = (fields: readonly Json[]): string => `${fields.map(csvField).join(',')}\r\n`;
  yield line(result.deduplicatedColumnNames());
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    yield chunk.map((row) => line(row)).join('');
    counted.rows += chunk.length;
  }
}

function csvField(value: Json): string {
  if (value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table for people: the first rows, with long values cut. */
async function* tableTexts(result: DuckDBResult, counted: Counted): AsyncGenerator<string> {
  const names = result.columnNames();
  const rows: (Json | null)[][] = [];
  let more = false;
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    const room = MOST_ROWS - rows.length;
    rows.push(...chunk.slice(0, room));
    more = chunk.length > room;
    if (more) break;
  }
  const colAligns = names.map((_, at) =>
    rows.some((row) => typeof row[at] === 'number') ? 'right' : 'left',
  );
  const table = new Table({ head: names, colAligns, style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map(cellOf));
  counted.rows = rows.length;
  yield `${table.toString()}\n`;
  if (more) printError(`These are the first ${MOST_ROWS} rows; --format csv or json gives them all.`);
}

function cellOf(value: Json): string {
  const whole = typeof value === 'string' ? value : value === null ? 'NULL' : JSON.stringify(value);
  return whole.length > MOST_CHARACTERS ? `${whole.slice(0, MOST_CHARACTERS - 1)}…` : whole;
}

/** DuckDB writes Parquet itself, with the types that the columns have. */
async function writeParquet(connection: DuckDBConnection, sql: string, file: string): Promise<number> {
  await requireSelect(connection, sql, '--format parquet');
  // As a view, since a query may end with a semicolon or a comment, which nothing can follow.
  await connection.run(`CREATE TEMP VIEW "the answer" AS ${sql}`);
  const copied = await connection.run(
    `COPY (FROM "the answer") TO ${sqlText(file)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
  );
  return copied.rowsChanged;
}

/** Writes as fast as it is taken; a reader that has seen enough, as `head`, ends it without an error. */
async function write(texts: AsyncIterable<string>, file: string | undefined): Promise<void> {
  if (file !== undefined) {
    await pipeline(Readable.from(texts), createWriteStream(file)).catch((cause: unknown) => {
      if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
      throw new PipelineError('OUTPUT_UNWRITABLE', messageOf(cause), { cause });
    });
    return;
  }
  try {
    await pipeline(Readable.from(texts), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
