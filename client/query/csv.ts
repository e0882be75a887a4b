import { DuckDBTypeId, type DuckDBResult, type Json } from '@duckdb/node-api';
import { escapeLines, escapeText } from '../../model/printable.ts';
import { toJson } from './values.ts';

/** How a CSV is escaped; with neither, texts are exact. */
export interface CsvStyle {
  /** Escapes control characters, including line breaks and tabs. */
  readonly isForTerminal: boolean;
  /** Prefixes formulas, and escapes control characters except line breaks and tabs. */
  readonly isForSpreadsheet: boolean;
}

/** Types whose values a spreadsheet reads as numbers, not as formulas, even with a sign. */
const NUMERIC: ReadonlySet<DuckDBTypeId> = new Set([
  ...[DuckDBTypeId.TINYINT, DuckDBTypeId.SMALLINT, DuckDBTypeId.INTEGER, DuckDBTypeId.BIGINT],
  ...[DuckDBTypeId.UTINYINT, DuckDBTypeId.USMALLINT, DuckDBTypeId.UINTEGER, DuckDBTypeId.UBIGINT],
  ...[DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT, DuckDBTypeId.BIGNUM],
  ...[DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL],
]);

/** First characters of a formula (OWASP, CSV Injection), including their full-width forms. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * Yields CSV text (RFC 4180) with a header. A null is an empty field; an empty string is quoted.
 * @param count Called with the number of rows of each chunk.
 */
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
        (row) =>
          `${row.map((value, index) => csvField(value, style, isNumeric[index] === true)).join(',')}${end}`,
      )
      .join('');
    count(chunk.length);
  }
}

/**
 * Returns a field of a CSV.
 * @param isNumeric Whether its column has a numeric type; large numbers are strings.
 */
export function csvField(value: Json, style: CsvStyle, isNumeric: boolean): string {
  if (value === null) return '';
  const text = escapeFor(typeof value === 'string' ? value : JSON.stringify(value), style);
  if (!style.isForSpreadsheet || isNumeric || typeof value !== 'string') return quotedIfNeeded(text);
  // Always quoted, since a spreadsheet may use another separator than the comma.
  return quoted(FORMULA.test(value) ? `'${text}` : text);
}

function escapeFor(text: string, { isForTerminal, isForSpreadsheet }: CsvStyle): string {
  if (isForTerminal) return escapeText(text);
  return isForSpreadsheet ? escapeLines(text) : text;
}

function quotedIfNeeded(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? quoted(text) : text;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
