/** Parses JSON values into a column's row. */
import { ColumnBuffer, set32, set64, setBoolean } from './columns';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  MINUS,
  NO_MATCH,
  PLUS,
  QUOTE,
  SPACE,
  ZERO,
  byteAt,
  skipPlainBytes,
  textEnd,
  unescape,
} from './json';
import { digits, exponent, isNegative, powerOf10, readNumber, significand } from './numbers';
import { noteZeros, numberOf } from './texts';
import {
  NO_TIME,
  integerAt,
  isTableMicros,
  microsAt,
  skipDecimals,
  skipDigits,
  skipZeros,
  skipZone,
  secondsAt,
  zoneSecondsAt,
} from './values';

const MICROS: i64 = 1_000_000;
const MAX_INTEGER_DIGITS: usize = 10;
const MAX_EPOCH_DIGITS: usize = 12;
/** A number of at most that power of 10 is printed with an exponent. */
const MIN_PLAIN_SIZE: i32 = -6;
/** The power of 10 of the microseconds in a second. */
const MICROS_POWER: i32 = 6;
/** Decimals of a time's seconds; rounded to microseconds. */
const MAX_DECIMALS: usize = 9;

/** `true` and `fals` as little-endian words. */
const TRUE: u32 = 0x6575_7274;
const FALS: u32 = 0x736c_6166;
const E: u32 = 0x65;

/** Parses a string, unescaped in place. */
export function parseText(column: ColumnBuffer, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NO_MATCH;
  const from = at + 1;
  const plainEnd = skipPlainBytes(from);
  const isPlain = byteAt(plainEnd) === QUOTE;
  const to = isPlain ? plainEnd : unescape(from);
  if (to === NO_MATCH) return NO_MATCH;
  const end = isPlain ? plainEnd + 1 : textEnd;
  if (!isPlain) noteZeros(column.texts, from, to);
  set32(column, row, numberOf(column.texts, from, to));
  return end;
}

/**
 * Sets a string.
 * @param isPlain Whether it had no escapes.
 */
export function setText(column: ColumnBuffer, row: u32, from: usize, to: usize, isPlain: bool): void {
  if (!isPlain) noteZeros(column.texts, from, to);
  set32(column, row, numberOf(column.texts, from, to));
}

/** Parses an integer, or a string of one. */
export function parseInteger(column: ColumnBuffer, from: usize, row: u32): usize {
  const sign = byteAt(from);
  if (sign === QUOTE) return parseQuotedInteger(column, from + 1, row);
  const first = sign === MINUS ? from + 1 : from;
  const last = skipDigits(first);
  if (!isWhole(first, last)) return parseDecimal(column, from, row);
  return setInteger(column, row, integerAt(first, last), sign === MINUS, last);
}

/** Parses an integer, which may have a plus, leading zeros, and zeros after a point, and the quote after it. */
function parseQuotedInteger(column: ColumnBuffer, from: usize, row: u32): usize {
  const sign = byteAt(from);
  const first = sign === MINUS || sign === PLUS ? from + 1 : from;
  const last = skipDigits(first);
  const end = skipQuote(skipZeros(last));
  if (last === first || last - first > MAX_INTEGER_DIGITS || end === NO_MATCH) return NO_MATCH;
  return setInteger(column, row, integerAt(first, last), sign === MINUS, end);
}

/** Sets an integer if it has 32 bits; returns the end of its text. */
function setInteger(column: ColumnBuffer, row: u32, size: i64, isMinus: bool, end: usize): usize {
  const number = isMinus ? -size : size;
  if (number < (i32.MIN_VALUE as i64) || number > (i32.MAX_VALUE as i64)) return NO_MATCH;
  set32(column, row, number as u32);
  return end;
}

/** Returns whether digits are all of a number, without a fraction or an exponent. */
function isWhole(first: usize, last: usize): bool {
  if (last === first || last - first > MAX_INTEGER_DIGITS || (last - first > 1 && byteAt(first) === ZERO))
    return false;
  const next = byteAt(last);
  return next === COMMA || next === CLOSE_BRACE || next <= SPACE || next === CLOSE_BRACKET;
}

/** Parses an integer with a fraction or an exponent, as 1.0 or 1e0. */
function parseDecimal(column: ColumnBuffer, from: usize, row: u32): usize {
  const end = readNumber(from);
  if (end === NO_MATCH || exponent < 0 || digits + exponent > (MAX_INTEGER_DIGITS as i32)) return NO_MATCH;
  return setInteger(column, row, (significand * powerOf10(exponent)) as i64, isNegative, end);
}

/** Parses a boolean, or a string of one. */
export function parseBoolean(column: ColumnBuffer, at: usize, row: u32): usize {
  const isQuoted = byteAt(at) === QUOTE;
  const from = isQuoted ? at + 1 : at;
  const word = load<u32>(from);
  const isTrue = word === TRUE;
  if (!isTrue && (word !== FALS || byteAt(from + 4) !== E)) return NO_MATCH;
  const wordEnd = from + (isTrue ? 4 : 5);
  const end = isQuoted ? skipQuote(wordEnd) : wordEnd;
  if (end === NO_MATCH) return NO_MATCH;
  setBoolean(column, row, isTrue);
  return end;
}

/**
 * Parses a string with a time, as 2018-01-31T12:00:00.000Z, or with an offset in place of the Z, to the nearest
 * microsecond. The rules are those of times.ts.
 */
export function parseTimestamp(column: ColumnBuffer, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NO_MATCH;
  const seconds = secondsAt(at + 1);
  if (seconds === NO_TIME) return NO_MATCH;
  const fraction = at + 20;
  const zone = skipDecimals(fraction, MAX_DECIMALS);
  const ahead = zoneSecondsAt(zone);
  if (ahead === NO_TIME) return NO_MATCH;
  return setTime(column, row, (seconds - ahead) * MICROS + microsAt(fraction), skipQuote(skipZone(zone)));
}

/** Parses a number of seconds since 1970 with optional decimals, or a string of one, to the nearest microsecond. */
export function parseEpoch(column: ColumnBuffer, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return parseNumericEpoch(column, at, row);
  const isMinus = byteAt(at + 1) === MINUS;
  const first = isMinus ? at + 2 : at + 1;
  const last = skipDigits(first);
  if (last === first || last - first > MAX_EPOCH_DIGITS) return NO_MATCH;
  const micros = integerAt(first, last) * MICROS + microsAt(last);
  return setTime(column, row, isMinus ? -micros : micros, skipQuote(skipDecimals(last, MAX_DECIMALS)));
}

/** Parses a number that JavaScript prints in the form of the strings: with few digits, and without an exponent. */
function parseNumericEpoch(column: ColumnBuffer, at: usize, row: u32): usize {
  const end = readNumber(at);
  const size = digits + exponent;
  const isPrintedPlain = digits === 0 || (size > MIN_PLAIN_SIZE && size <= (MAX_EPOCH_DIGITS as i32));
  if (end === NO_MATCH || !isPrintedPlain || exponent < -(MAX_DECIMALS as i32)) return NO_MATCH;
  const power = exponent + MICROS_POWER;
  // Rounds half away from zero.
  const divisor = powerOf10(-power);
  const distance = power >= 0 ? significand * powerOf10(power) : (significand + divisor / 2) / divisor;
  return setTime(column, row, signed(distance), end);
}

/** Sets a time in microseconds if its string matched and it is in the range of the tables; returns the string's end. */
export function setTime(column: ColumnBuffer, row: u32, micros: i64, end: usize): usize {
  if (end === NO_MATCH || !isTableMicros(micros)) return NO_MATCH;
  set64(column, row, micros);
  return end;
}

/** Skips a quote. */
export function skipQuote(at: usize): usize {
  return byteAt(at) === QUOTE ? at + 1 : NO_MATCH;
}

/** Returns a size with the sign of the number that was read last. */
export function signed(size: u64): i64 {
  return isNegative ? -(size as i64) : (size as i64);
}
