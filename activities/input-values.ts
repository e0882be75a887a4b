import { z } from 'zod';
import { STAGED_PATH } from '../adapters/staging/run-staging.ts';
import { isIntervalTime } from '../model/interval-time.ts';
import { MAX_PARTITIONS, type OffsetRange } from '../model/references.ts';

const MAX_OFFSET = String(2n ** 63n - 1n);
/** No run began before the pipeline was written. */
const FIRST_DAY = '2020-01-01';
const DAY_MS = 86_400_000;

/** A whole number from 0 that JSON has exactly. */
export const COUNT = z.int().min(0);
export const SECONDS = z.number().min(0).max(1e9);
/** A UTC day on which a run can have begun, which names the partition of its rows. */
export const DATE = z.iso.date().refine(isDayOfRuns, `must be a day from ${FIRST_DAY} to tomorrow`);
/** A UTC time of a run, likewise. */
export const TIME = z.iso
  .datetime()
  .refine((time) => isDayOfRuns(time.slice(0, 10)), `must be a time from ${FIRST_DAY} to tomorrow`);
/** An end of the interval that a source is asked for. */
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
    } satisfies Shape<OffsetRange>),
  )
  .max(MAX_PARTITIONS)
  .refine((ranges) => ranges.every(({ start, end }) => isBefore(start, end)), 'must not be empty')
  .refine(
    (ranges) => new Set(ranges.map(({ partition }) => partition)).size === ranges.length,
    'must have each partition once',
  );

/** A schema for each key of a type, which the compiler demands; others are refused. */
export type Shape<T> = { readonly [K in keyof T]-?: z.ZodType };

/** Accepts a text of at most so many UTF-16 code units. */
export function text(maxLength: number): z.ZodString {
  return z.string().max(maxLength);
}

/**
 * Accepts an object whose keys are data. Zod's own record accepts any value under the key `__proto__`, which JSON can
 * have.
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
      entries.every(([name, of]) => key.safeParse(name).success && value.safeParse(of).success)
    );
  };
  return z.custom<Record<string, V>>(isMap, `must be an object of at most ${maxKeys} valid keys and values`);
}

/** A worker's clock can be a little behind that of Temporal. */
function isDayOfRuns(day: string): boolean {
  return day >= FIRST_DAY && day <= new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
}

function isOffset(digits: string): boolean {
  return /^(?:0|[1-9]\d{0,18})$/.test(digits) && !isBefore(MAX_OFFSET, digits);
}

/** Compares offsets as texts, since those that are none are compared too. */
function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}
