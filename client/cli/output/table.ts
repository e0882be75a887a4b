import Table from 'cli-table3';
import { formatNumber } from '../../../model/figures.ts';
import { shorten } from '../../../model/printable.ts';
import { displayWidth, withMarkBase } from './width.ts';

/** For private use, so that no escaped text has it. */
const PLACEHOLDER = '\ue000';
const PLACEHOLDERS = new RegExp(`${PLACEHOLDER}+`, 'g');

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
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? write(cell) : withMarkBase(shorten(cell, cellCharacters)))),
  );
  const [names = [], ...others] = cells.map((row) => row.map(placeholderOf));
  const table = new Table({
    head: names,
    colAligns: head.map((_, column) => (isRight(column) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  table.push(...others);
  const shown = cells.flat().filter((cell) => cell !== '');
  return table
    .toString()
    .replaceAll(PLACEHOLDERS, () => shown.shift() ?? '')
    .split('\n');
}

/** Has the width of a cell, which cli-table3 takes for too wide where it has marks of other scripts than Latin. */
function placeholderOf(cell: string): string {
  return PLACEHOLDER.repeat(displayWidth(cell));
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return (
    rows.some((row) => typeof row[column] === 'number') &&
    rows.every((row) => typeof row[column] === 'number' || row[column] === '')
  );
}
