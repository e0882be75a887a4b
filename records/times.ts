/** Parses times in JSON strings to microseconds. `scanner/values.ts` has the same rules. */

import { unscaledOf, wholeDigits, type Decimal } from './decimals.ts';

/** Milliseconds since 1970 of the first and last time that all readers of the tables support. */
export const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z');
export const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** In microseconds; the upper bound is exclusive. */
const EARLIEST = BigInt(EARLIEST_MS) * 1000n;
const TOO_LATE = BigInt(LATEST_MS + 1) * 1000n;

/** Up to nine decimals, and any zeros after them. */
const FRACTION = String.raw`(?:\.(\d{1,9})0*)?`;
const ZONE = String.raw`(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)`;
const TIMESTAMP = new RegExp(
  String.raw`^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)${FRACTION}${ZONE}$`,
);
const EPOCH = new RegExp(String.raw`^(-?)(\d{1,12})${FRACTION}$`);

/**
 * Returns the microseconds since 1970 of an RFC 3339 time, as `2018-01-31T12:00:00.000Z`; undefined for any other string.
 * Also accepts a space in place of the T, and an offset as `+0530` or `+05`. Rounds to the nearest microsecond, halves up.
 */
export function microsOfTimestamp(text: string): bigint | undefined {
  const [, year = '', month, day, hour, minute, second, fraction, sign, hours = '0', minutes = '0'] =
    TIMESTAMP.exec(text) ?? [];
  if (year === '' || year === '0000') return undefined;
  const date = new Date(`${year}-${month}-${day}T00:00:00.000Z`);
  // Rejects days that do not exist: Date turns 30 February into 2 March.
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return undefined;
  const ahead = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60);
  const ofDay = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  return microsOf(date.getTime() / 1000 + ofDay - ahead, fraction);
}

/**
 * Returns the microseconds of seconds since 1970, as `1516717442.735266`; undefined for any other string. Rounds to the
 * nearest microsecond, halves away from 1970.
 */
export function microsOfEpoch(text: string): bigint | undefined {
  const [, sign, seconds, fraction] = EPOCH.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const micros = microsOf(Number(seconds), fraction);
  return sign === '-' ? -micros : micros;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const MS_PER_DAY = 86_400_000;

/** Returns the days since 1970 of a date of the years 1 to 9999, as `2018-01-31`; undefined for any other string. */
export function daysOfDate(text: string): number | undefined {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined || year === '0000') return undefined;
  const date = new Date(`${text}T00:00:00.000Z`);
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return undefined;
  return date.getTime() / MS_PER_DAY;
}

/** The digits of a number of milliseconds or microseconds, and its decimals below a microsecond. */
const MAX_COUNT_DIGITS = 18;
const MAX_COUNT_DECIMALS = 3;

/**
 * Returns the microseconds of a number of larger units since 1970, to the nearest, halves away from 1970; undefined if
 * it has more than 18 digits, or 3 decimals below a microsecond.
 * @param power The power of 10 of the microseconds in a unit.
 */
export function microsOfCount(count: Decimal, power: number): bigint | undefined {
  const { digits, isNegative } = count;
  const below = -(count.exponent + power);
  if (digits.length > MAX_COUNT_DIGITS || wholeDigits(count) + power > MAX_COUNT_DIGITS) return undefined;
  if (below <= 0) return unscaledOf(count, power, MAX_COUNT_DIGITS);
  if (below > MAX_COUNT_DECIMALS) return undefined;
  const divisor = 10n ** BigInt(below);
  const micros = (BigInt(digits) + divisor / 2n) / divisor;
  return isNegative ? -micros : micros;
}

/** Returns whether a time is in the years 1 to 9999 in UTC, which all readers of the tables support. */
export function isTableTime(micros: bigint): boolean {
  return micros >= EARLIEST && micros < TOO_LATE;
}

function microsOf(seconds: number, fraction = ''): bigint {
  const digits = fraction.padEnd(7, '0');
  const isRoundedUp = digits.charAt(6) >= '5';
  return BigInt(seconds) * 1_000_000n + BigInt(digits.slice(0, 6)) + (isRoundedUp ? 1n : 0n);
}
