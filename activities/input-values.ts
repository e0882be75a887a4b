import { z } from 'zod';
import { STAGED_PATH } from '../adapters/staging/run-staging.ts';
import { isIntervalTime } from '../model/interval-time.ts';
import { MAX_PARTITIONS, type OffsetRange } from '../model/references.ts';

const MAX_OFFSET = String(2n ** 63n - 1n);
/** No run started before this day. */
const FIRST_DAY = '2020-01-01';
const DAY_MS = 86_400_000;

/** A non-negative safe integer. */
export const COUNT = z.int().min(0);
export const SECONDS = z.number().min(0).max(1e9);
/** A UTC day on which a run can have started; the partition of its rows. */
export const DATE = z.iso.date().refine(isDayOfRuns, `must be a day from ${FIRST_DAY} to tomorrow`);
/** A UTC time at which a run can have started or ended. */
export const TIME = z.iso
  .datetime()
  .refine((time) => isDayOfRuns(time.slice(0, 10)), `must be a time from ${FIRST_DAY} to tomorrow`);
/** The start or end of the interval to request from a source. */
export const INTERVAL_TIME = z.string().refine(isIntervalTime, 'must be a time, as 2026-01-31T00:00:00Z');
export const PATH = z.string().regex(STAGED_PATH, 'must be a path in the run’s own staging folder');
export const RUN_ID = z.uuid();
const OFFSET = z.string().refine(isOffset, 'must be a 64-bit offset in decimal digits');
export const ENDS = mapOf(z.string().regex(/^(?:0|[1-9]\d{0,8})$/), OFFSET, MAX_PARTITIONS);

export const RANGES = z
  .array(
    z.strictObject({
      partition: z.int().min(0).max(999_999_999),
      start: OFFSET,
      end: OFFSET,
    } satisfies SchemaShape<OffsetRange>),
  )
  .max(MAX_PARTITIONS)
  .refine((ranges) => ranges.every(({ start, end }) => isBefore(start, end)), 'must not be empty')
  .refine(
    (ranges) => new Set(ranges.map(({ partition }) => partition)).size === ranges.length,
    'must have each partition once',
  );

/** A schema for each key of a type, so that the compiler reports a missing one. */
export type SchemaShape<T> = { readonly [K in keyof T]-?: z.ZodType };

/** Returns a schema of a string of at most `maxLength` UTF-16 code units. */
export function text(maxLength: number): z.ZodString {
  return z.string().max(maxLength);
}

/**
 * Returns a schema of an object whose keys are data. Zod's `record` accepts any value under the key `__proto__`, which
 * JSON can have.
 */
export function mapOf<V>(
  key: z.ZodType<string>,
  value: z.ZodType<V>,
  maxKeys: number,
): z.ZodType<Record<string, V>> {
  const isMap = (given: unknown): boolean => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return false;
    const entries = Object.entries(given);
    return (
      entries.length <= maxKeys &&
      entries.every(([name, entry]) => key.safeParse(name).success && value.safeParse(entry).success)
    );
  };
  return z.custom<Record<string, V>>(isMap, `must be an object of at most ${maxKeys} valid keys and values`);
}

/** Accepts tomorrow too, since a worker's clock can be behind Temporal's. */
function isDayOfRuns(day: string): boolean {
  return day >= FIRST_DAY && day <= new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
}

function isOffset(digits: string): boolean {
  return /^(?:0|[1-9]\d{0,18})$/.test(digits) && !isBefore(MAX_OFFSET, digits);
}

/** Compares decimal digits as strings, since refinements also run on invalid offsets. */
function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}
