/** Parses exact numbers of 64 bits, floats, dates, and values that are kept as JSON. */
import { ColumnBuffer, set32, set64, setDouble } from './columns';
import { MINUS, NO_MATCH, OPEN_BRACE, OPEN_BRACKET, PLUS, QUOTE, byteAt } from './json';
import { MAX_DIGITS, digits, exponent, isNegative, powerOf10, readDecimal, significand } from './numbers';
import { skipRaw } from './raw';
import { setTime, setText, signed, skipQuote } from './scalars';
import { skipValue } from './unknown';
import { NO_TIME, daysAt, integerAt, skipDigits, skipZeros } from './values';

/** Returns the nearest 64-bit float of a JSON number, which may be infinite. */
declare function toDouble(from: usize, length: usize): f64;

const DATE_BYTES: usize = 10;
/** The digits of a time in units since 1970, and its decimals below a microsecond. */
const MAX_COUNT_DIGITS: i32 = 18;
const MAX_COUNT_DECIMALS: i32 = 3;
/** Whole numbers up to this one are exact as 64-bit floats. */
const MAX_EXACT: u64 = 9_007_199_254_740_992;
/** The powers of 10 that are exact as 64-bit floats. */
const MAX_EXACT_POWER: i32 = 22;
const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);

/** Parses a whole number of 64 bits, or a string of one. */
export function parseLong(column: ColumnBuffer, from: usize, row: u32): usize {
  if (byteAt(from) === QUOTE) return parseQuotedLong(column, from + 1, row);
  const end = readDecimal(from);
  if (end === NO_MATCH || exponent < 0 || digits + exponent > MAX_DIGITS) return NO_MATCH;
  return setLong(column, row, significand * powerOf10(exponent), isNegative, end);
}

/** Parses digits, which may have a sign, leading zeros, and zeros after a point, and the quote after them. */
function parseQuotedLong(column: ColumnBuffer, from: usize, row: u32): usize {
  const sign = byteAt(from);
  const first = sign === MINUS || sign === PLUS ? from + 1 : from;
  const last = skipDigits(first);
  const end = skipQuote(skipZeros(last));
  if (last === first || last - first > (MAX_DIGITS as usize) || end === NO_MATCH) return NO_MATCH;
  return setLong(column, row, integerAt(first, last) as u64, sign === MINUS, end);
}

/** Sets a whole number if it has 64 bits with its sign; returns the end of its text. */
function setLong(column: ColumnBuffer, row: u32, size: u64, isMinus: bool, end: usize): usize {
  const max = (i64.MAX_VALUE as u64) + (isMinus ? 1 : 0);
  if (size > max) return NO_MATCH;
  set64(column, row, isMinus ? -(size as i64) : (size as i64));
  return end;
}

/** Parses a number with a limited number of digits, or a string of one, in units of its last decimal. */
export function parseExact(column: ColumnBuffer, at: usize, row: u32, precision: i32, scale: i32): usize {
  const end = readQuotable(at);
  const power = exponent + scale;
  if (end === NO_MATCH || (digits > 0 && (power < 0 || digits + power > precision))) return NO_MATCH;
  set64(column, row, digits > 0 ? signed(significand * powerOf10(power)) : 0);
  return end;
}

/** Reads a JSON number, or a string of one; returns its end. */
function readQuotable(at: usize): usize {
  if (byteAt(at) !== QUOTE) return readDecimal(at);
  const end = readDecimal(at + 1);
  return end === NO_MATCH ? NO_MATCH : skipQuote(end);
}

/** Parses a number, or a string of one, to the nearest 64-bit float. */
export function parseDouble(column: ColumnBuffer, at: usize, row: u32): usize {
  const end = readQuotable(at);
  if (end === NO_MATCH) return NO_MATCH;
  const from = byteAt(at) === QUOTE ? at + 1 : at;
  const number = isExact() ? exactDouble() : toDouble(from, end - from - (from - at));
  if (!isFinite(number)) return NO_MATCH;
  setDouble(column, row, number);
  return end;
}

/** Returns whether one operation on exact floats gives the number that was read, so that it is rounded once. */
function isExact(): bool {
  if (digits > MAX_DIGITS || significand > MAX_EXACT) return false;
  return exponent >= -MAX_EXACT_POWER && exponent <= MAX_EXACT_POWER;
}

function exactDouble(): f64 {
  const whole = significand as f64;
  const power = load<f64>(POWERS + ((abs(exponent) as usize) << 3));
  const size = exponent < 0 ? whole / power : whole * power;
  return isNegative ? -size : size;
}

/** Parses a string with a date, as 2018-01-31. */
export function parseDate(column: ColumnBuffer, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NO_MATCH;
  const days = daysAt(at + 1);
  const end = skipQuote(at + 1 + DATE_BYTES);
  if (days === NO_TIME || end === NO_MATCH) return NO_MATCH;
  set32(column, row, days as u32);
  return end;
}

/**
 * Parses a number of milliseconds or microseconds since 1970, or a string of one. The rules are those of times.ts.
 * @param unitPower The power of 10 of the microseconds in a unit.
 */
export function parseEpochCount(column: ColumnBuffer, at: usize, row: u32, unitPower: i32): usize {
  const end = readQuotable(at);
  const power = exponent + unitPower;
  if (end === NO_MATCH || digits > MAX_COUNT_DIGITS || digits + power > MAX_COUNT_DIGITS) return NO_MATCH;
  if (digits === 0) return setTime(column, row, 0, end);
  if (power < -MAX_COUNT_DECIMALS) return NO_MATCH;
  const divisor = powerOf10(-power);
  const size = power >= 0 ? significand * powerOf10(power) : (significand + divisor / 2) / divisor;
  return setTime(column, row, signed(size), end);
}

/** Keeps a value as its JSON text. */
export function parseJson(column: ColumnBuffer, at: usize, row: u32): usize {
  const first = byteAt(at);
  const isScalar = first !== QUOTE && first !== OPEN_BRACE && first !== OPEN_BRACKET;
  const end = isScalar ? skipValue(at) : skipRaw(at);
  if (end === NO_MATCH) return NO_MATCH;
  // First, since skipping a value unescapes its strings in place.
  setText(column, row, at, end, true);
  return isScalar || skipValue(at) === end ? end : NO_MATCH;
}
