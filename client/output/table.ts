import Table from 'cli-table3';
import { formatNumber } from '../../model/figures.ts';
import { shorten } from '../../model/printable.ts';

/** A cell shows so many characters of its text, and says how many there are. */
const MAX_CELL_CHARACTERS = 200;

/** A cell for people: a number is grouped by thousands and right-aligned. */
export type Cell = string | number;

/** How a table is laid out where it differs from the default. */
export interface TableOptions {
  /** The most characters of a cell's text. */
  readonly cellCharacters?: number;
  /** Writes a number; with grouped thousands by default. */
  readonly formatNumber?: (value: number) => string;
  /** Whether a column is right-aligned; by default one of numbers, in which an empty text is no value. */
  readonly isRight?: (column: number) => boolean;
}

/** Returns the lines of a table for people. Its cells are escaped and cut before it is laid out. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string[] {
  const { cellCharacters = MAX_CELL_CHARACTERS, formatNumber: write = formatNumber } = options;
  const isRight = options.isRight ?? ((column: number) => isNumeric(rows, column));
  const table = new Table({
    head: head.map((name) => shorten(name, cellCharacters)),
    colAligns: head.map((_, column) => (isRight(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows)
    table.push(row.map((cell) => (typeof cell === 'number' ? write(cell) : shorten(cell, cellCharacters))));
  return table.toString().split('\n');
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return (
    rows.some((row) => typeof row[column] === 'number') &&
    rows.every((row) => typeof row[column] === 'number' || row[column] === '')
  );
}
