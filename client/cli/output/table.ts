import Table from 'cli-table3';
import { formatNumber } from '../../../model/figures.ts';
import { shorten } from '../../../model/printable.ts';
import { displayWidth, withMarkBase } from './width.ts';

/** A private-use character: escaped text never contains one. */
const PLACEHOLDER = '\ue000';
const PLACEHOLDERS = new RegExp(`${PLACEHOLDER}+`, 'g');

/** Longer texts are cut in a cell, which then shows their length. */
const MAX_CELL_CHARACTERS = 200;

/** A cell of a table; numbers are formatted with grouped thousands and right-aligned. */
export type Cell = string | number;

/** Layout options of {@link formatTable}. */
export interface TableOptions {
  /** Maximum characters of a cell's text; default 200. */
  readonly cellCharacters?: number;
  /** Formats a number; default with grouped thousands. */
  readonly formatNumber?: (value: number) => string;
  /** Returns whether a column is right-aligned; default for columns that contain only numbers and empty texts. */
  readonly isRight?: (column: number) => boolean;
}

/** Returns the lines of a table for people; its cells are escaped and cut. */
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

/** Returns a placeholder of a cell's true width: cli-table3 overestimates combining marks of non-Latin scripts. */
function placeholderOf(cell: string): string {
  return PLACEHOLDER.repeat(displayWidth(cell));
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return (
    rows.some((row) => typeof row[column] === 'number') &&
    rows.every((row) => typeof row[column] === 'number' || row[column] === '')
  );
}
