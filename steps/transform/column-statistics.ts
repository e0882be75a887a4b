import { LATEST_MS } from '../../records/times.ts';
import type { Column, ColumnType, Table } from '../../tables/table.ts';

/** A column's statistics as DuckDB returns them, in text. */
export interface ColumnStatistics {
  readonly min?: string;
  readonly max?: string;
  readonly null_count?: string;
}

/** Converts DuckDB's bounds to those of Delta's statistics; types that are left out get none. */
const BOUNDS: Partial<Record<ColumnType, (text: string, end: 'min' | 'max') => unknown>> = {
  integer: Number,
  long: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
  timestamp: isoMilliseconds,
};

/**
 * Returns a data file's statistics in Delta's JSON, which readers use to skip files. Strings get no bounds, since their
 * order differs between engines.
 */
export function deltaStats(
  table: Table,
  rows: number,
  columns: ReadonlyMap<string, ColumnStatistics>,
): string {
  const bounds = (end: 'min' | 'max'): Record<string, unknown> =>
    Object.fromEntries(
      table.columns
        .map((column) => [column.name, boundOf(column, columns.get(column.name), end)] as const)
        .filter(([, bound]) => bound !== undefined),
    );
  const nullCount = Object.fromEntries(
    table.columns.flatMap(({ name }) => {
      const count = columns.get(name)?.null_count;
      return count === undefined ? [] : [[name, Number(count)] as const];
    }),
  );
  return JSON.stringify({ numRecords: rows, minValues: bounds('min'), maxValues: bounds('max'), nullCount });
}

function boundOf(column: Column, statistics: ColumnStatistics | undefined, end: 'min' | 'max'): unknown {
  const text = statistics?.[end];
  return text === undefined ? undefined : BOUNDS[column.type]?.(text, end);
}

/**
 * Delta's bounds have milliseconds; the maximum is rounded up, so that no row is outside. Returns undefined if that is in
 * the year 10000, which readers of the log do not support.
 */
function isoMilliseconds(text: string, end: 'min' | 'max'): string | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?\+00$/.exec(text);
  if (parts === null) return undefined;
  const [, day, time, fraction = ''] = parts;
  const micros = Number(fraction.padEnd(6, '0'));
  const millis = end === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000);
  const bound = Date.parse(`${day}T${time}.000Z`) + millis;
  return bound > LATEST_MS ? undefined : new Date(bound).toISOString();
}
