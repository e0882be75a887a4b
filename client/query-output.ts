import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBResult, Json } from '@duckdb/node-api';
import Table from 'cli-table3';
import { toJson } from './query-values.ts';
import { printError } from './output.ts';

/** A table for people shows so many rows, and so much of each value. */
const MOST_ROWS = 1_000;
const MOST_CHARACTERS = 80;

/**
 * Prints a result as a JSON array, a line a row, while it comes; so it may be of any size.
 * @returns How many rows there are.
 */
export async function printJson(result: DuckDBResult): Promise<number> {
  const names = result.deduplicatedColumnNames();
  let rows = 0;
  async function* lines(): AsyncGenerator<string> {
    yield '[';
    for await (const chunk of result.yieldConvertedRows(toJson)) {
      const texts = chunk.map((row) =>
        JSON.stringify(Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))),
      );
      yield `${rows === 0 ? '\n' : ',\n'}${texts.join(',\n')}`;
      rows += chunk.length;
    }
    yield '\n]\n';
  }
  await write(lines());
  return rows;
}

/**
 * Prints a result as a table for people: its first rows, with long values cut.
 * @returns How many rows are shown.
 */
export async function printTable(result: DuckDBResult): Promise<number> {
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
  await write([`${table.toString()}\n`]);
  if (more) printError(`These are the first ${MOST_ROWS} rows; --json gives them all.`);
  return rows.length;
}

function cellOf(value: Json): string {
  const whole = typeof value === 'string' ? value : value === null ? 'NULL' : JSON.stringify(value);
  return whole.length > MOST_CHARACTERS ? `${whole.slice(0, MOST_CHARACTERS - 1)}…` : whole;
}

/** Writes as fast as the reader takes it; one that has seen enough, as `head`, ends it without an error. */
async function write(texts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(texts), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
