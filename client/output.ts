import Table from 'cli-table3';
import { formatNumber } from '../model/figures.ts';

/** Writes lines to standard output: what was asked for. */
export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Writes what was asked for as JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Writes lines to standard error: what went wrong, or how it goes on. */
export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A table for people. Numbers are right-aligned; an empty text among them is none. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const colAligns = head.map((_, at): 'left' | 'right' =>
    rows.some((row) => typeof row[at] === 'number') &&
    rows.every((row) => typeof row[at] === 'number' || row[at] === '')
      ? 'right'
      : 'left',
  );
  const table = new Table({ head: [...head], colAligns, style: { head: [], border: [], compact: true } });
  for (const row of rows)
    table.push(row.map((cell) => (typeof cell === 'number' ? formatNumber(cell) : cell)));
  return table.toString();
}

/** A time in whole seconds, as 2026-01-31T12:00:00Z. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
