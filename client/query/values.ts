import {
  DuckDBDecimalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  JsonDuckDBValueConverter,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';

/** The range of a JavaScript Date, in microseconds since the epoch. */
const MAX_MICROS = 8_640_000_000_000_000_000n;

/** Decimal digits that a double preserves. */
const EXACT_DIGITS = 15;

/**
 * Converts a DuckDB value to JSON. A number that a double cannot represent exactly is a string. A timestamp is ISO 8601;
 * one with a time zone is in UTC with `Z`.
 */
export const toJson: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBDecimalValue) return numberOf(value.toString());
  if (value instanceof DuckDBTimestampTZValue) return isoOf(value.micros, 'Z') ?? value.toString();
  if (value instanceof DuckDBTimestampValue) return isoOf(value.micros, '') ?? value.toString();
  return JsonDuckDBValueConverter(value, type, converter);
};

function numberOf(text: string): number | string {
  return text.replaceAll(/^-?0*|\D/g, '').length <= EXACT_DIGITS ? Number(text) : text;
}

function isoOf(micros: bigint, zone: 'Z' | ''): string | undefined {
  if (micros > MAX_MICROS || micros < -MAX_MICROS) return undefined;
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const text = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, -1);
  return `${text}${rest === 0n ? '' : String(rest).padStart(3, '0')}${zone}`;
}
