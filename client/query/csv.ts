import { DuckDBTypeId, type DuckDBResult, type Json } from '@duckdb/node-api';
import { escapeLines, escapeText } from '../../model/printable.ts';
import { toJson } from './values.ts';

/** How a CSV is written. Into a file or a pipe, and for no spreadsheet, each text is exact. */
export interface CsvStyle {
  /** A terminal shows it: whatever acts on one is shown by its number. */
  readonly isForTerminal: boolean;
  /** A spreadsheet opens it: no text is a formula, and controls but line breaks and tabs are shown by number. */
  readonly isForSpreadsheet: boolean;
}

/** Types whose values no spreadsheet takes for anything but a number, with a sign or without. */
const NUMERIC: ReadonlySet<DuckDBTypeId> = new Set([
  ...[DuckDBTypeId.TINYINT, DuckDBTypeId.SMALLINT, DuckDBTypeId.INTEGER, DuckDBTypeId.BIGINT],
  ...[DuckDBTypeId.UTINYINT, DuckDBTypeId.USMALLINT, DuckDBTypeId.UINTEGER, DuckDBTypeId.UBIGINT],
  ...[DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT, DuckDBTypeId.BIGNUM],
  ...[DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL],
]);

/** What spreadsheets begin a formula by (OWASP, CSV injection), also in its full-width form. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Returns the lines of a CSV as in RFC 4180, with a header. A null is an empty field, an empty text is quoted. */
export async function* csvLines(
  result: DuckDBResult,
  style: CsvStyle,
  count: (rows: number) => void,
): AsyncGenerator<string> {
  const isNumeric = result.columnTypes().map(({ typeId }) => NUMERIC.has(typeId));
  const end = style.isForTerminal ? '\n' : '\r\n';
  const names = result.deduplicatedColumnNames();
  yield `${names.map((name) => csvField(name, style, false)).join(',')}${end}`;
  for await (const chunk of result.yieldConvertedRows(toJson)) {
    yield chunk
      .map(
        (row) => `${row.map((value, at) => csvField(value, style, isNumeric[at] === true)).join(',')}${end}`,
      )
      .join('');
    count(chunk.length);
  }
}

/**
 * Returns a field of a CSV.
 * @param isNumeric Whether its column's type is a number, of which a large one comes as text.
 */
export function csvField(value: Json, style: CsvStyle, isNumeric: boolean): string {
  if (value === null) return '';
  const text = textIn(typeof value === 'string' ? value : JSON.stringify(value), style);
  if (!style.isForSpreadsheet || isNumeric || typeof value !== 'string') return quotedIfNeeded(text);
  // Always quoted, since a spreadsheet may split at another character than the comma.
  return quoted(FORMULA.test(value) ? `'${text}` : text);
}

function textIn(text: string, { isForTerminal, isForSpreadsheet }: CsvStyle): string {
  if (isForTerminal) return escapeText(text);
  return isForSpreadsheet ? escapeLines(text) : text;
}

function quotedIfNeeded(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? quoted(text) : text;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
