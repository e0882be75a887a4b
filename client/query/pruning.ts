import { z } from 'zod';
import type { AddFile, Metadata } from '../../adapters/delta/actions.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../../tables/table.ts';
import type { Condition, SqlLiteral } from './statement.ts';

/** The least and the greatest value of a column in a file; rows may be null too. */
interface Range {
  readonly min: SqlLiteral;
  readonly max: SqlLiteral;
}

const Bounds = z.record(z.string(), z.unknown()).catch({});
const Stats = z.object({ minValues: Bounds, maxValues: Bounds }).catch({ minValues: {}, maxValues: {} });
const Day = z.iso.date();
const Schema = z.object({ fields: z.array(z.object({ name: z.string() })) });
const PARTITION_NAMES = new Set(PARTITION_COLUMNS.map(({ name }) => name));

/**
 * Returns whether rows of a file may fulfil all conditions, by its partition values and by its statistics in the log.
 * True wherever these do not exclude it.
 */
export function mayMatch(file: AddFile, conditions: readonly Condition[]): boolean {
  return conditions.every((condition) => {
    const range = rangeOf(file, condition.column);
    return range === undefined || (range !== null && mayFulfil(range, condition));
  });
}

/**
 * Returns whether another program added columns to a table. A query can name them if a file that has them is read, so
 * no file may be left out.
 */
export function hasOtherColumns({ columns }: Table, { schemaString }: Metadata): boolean {
  const names = new Set([...columns.map(({ name }) => name), ...PARTITION_NAMES]);
  return Schema.parse(JSON.parse(schemaString)).fields.some(({ name }) => !names.has(name));
}

/** Returns null if all values are null, which fulfils no comparison; undefined if the log does not tell. */
function rangeOf(file: AddFile, column: Column): Range | null | undefined {
  if (!PARTITION_NAMES.has(column.name)) return statisticsOf(file, column);
  const value = file.partitionValues[column.name];
  if (value === null || value === undefined) return value;
  const isKnown = column.type !== 'date' || Day.safeParse(value).success;
  return isKnown ? { min: value, max: value } : undefined;
}

/** Only of whole numbers: bounds of texts and times may be truncated, and engines order texts differently. */
function statisticsOf({ stats }: AddFile, { name, type }: Column): Range | undefined {
  if (type !== 'integer' && type !== 'long') return undefined;
  const { minValues, maxValues } = Stats.parse(typeof stats === 'string' ? parseJson(stats) : undefined);
  const [min, max] = [minValues[name], maxValues[name]];
  return isExact(min) && isExact(max) ? { min, max } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isExact(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function mayFulfil({ min, max }: Range, { column, operator, literals }: Condition): boolean {
  return literals.some((literal) => {
    // JavaScript orders texts by UTF-16 and DuckDB by UTF-8, so texts are only compared for equality, as UTF-8.
    if (column.type === 'string') return !['=', 'in'].includes(operator) || toUtf8(min) === toUtf8(literal);
    switch (operator) {
      case '=':
      case 'in':
        return min <= literal && literal <= max;
      case '<':
        return min < literal;
      case '<=':
        return min <= literal;
      case '>':
        return max > literal;
      case '>=':
        return max >= literal;
    }
  });
}

/** Replaces unpaired surrogates, as the conversion to UTF-8 does. */
function toUtf8(value: SqlLiteral): string {
  return String(value).toWellFormed();
}
