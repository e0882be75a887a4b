/** Parses numbers and times in a JSON text; see json.ts. */
import { COLON, LOWER_CASE, MINUS, PLUS, POINT, SPACE, ZERO, byteAt, isDigit } from './json';

const FIVE: u32 = 0x35;
const LOWER_T: u32 = 0x74;
const LOWER_Z: u32 = 0x7a;

const MICROS_DIGITS = 6;
const MAX_ZEROS: usize = 20;

/** Returned for what is not a time. */
export const NO_TIME: i64 = i64.MIN_VALUE;
/** The first microsecond of the years 1 and 10000; all readers of the tables support times in between. */
const EARLIEST: i64 = -62_135_596_800_000_000;
const TOO_LATE: i64 = 253_402_300_800_000_000;
/** Returned for what is not two digits; larger than any such number. */
const NO_PAIR: u32 = 1000;

/** Days of each month in a common year. */
const DAYS = memory.data<u8>([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
/** Days from 1 March of the year 0. */
const DAYS_TO_1970: i64 = 719_468;

/** Skips digits, if any. */
export function skipDigits(at: usize): usize {
  while (isDigit(byteAt(at))) at += 1;
  return at;
}

/** Skips a point and its decimals, if any: at most `maxDigits`, apart from trailing zeros. */
export function skipDecimals(at: usize, maxDigits: usize): usize {
  if (byteAt(at) !== POINT) return at;
  const first = at + 1;
  const end = skipDigits(first);
  for (let digit = first + maxDigits; digit < end; digit += 1) if (byteAt(digit) !== ZERO) return at;
  return end === first ? at : end;
}

/** Skips a point and zeros, if any. */
export function skipZeros(at: usize): usize {
  if (byteAt(at) !== POINT) return at;
  let end = at + 1;
  while (byteAt(end) === ZERO) end += 1;
  const zeros = end - at - 1;
  return zeros > 0 && zeros <= MAX_ZEROS ? end : at;
}

/** Returns the number of at most 18 digits; of 19, its 64 bits without a sign. */
export function integerAt(from: usize, to: usize): i64 {
  let number: i64 = 0;
  for (let at = from; at < to; at += 1) number = number * 10 + ((byteAt(at) - ZERO) as i64);
  return number;
}

/** Returns the microseconds of a point and its decimals, rounded to the nearest; 0 if there is no point. */
export function microsAt(from: usize): i64 {
  if (byteAt(from) !== POINT) return 0;
  let micros: i64 = 0;
  let at = from + 1;
  for (let left = MICROS_DIGITS; left > 0; left -= 1) {
    const byte = byteAt(at);
    micros *= 10;
    if (!isDigit(byte)) continue;
    micros += (byte - ZERO) as i64;
    at += 1;
  }
  const next = byteAt(at);
  return isDigit(next) && next >= FIVE ? micros + 1 : micros;
}

/** Returns whether a time, in microseconds, is in the years 1 to 9999. */
export function isTableMicros(micros: i64): bool {
  return micros >= EARLIEST && micros < TOO_LATE;
}

/** Returns the seconds since 1970 of a time, as 2018-01-31T12:00:00; `NO_TIME` if there is none. */
export function secondsAt(at: usize): i64 {
  const days = daysAt(at);
  const separator = byteAt(at + 10);
  const isSeparated = (separator | LOWER_CASE) === LOWER_T || separator === SPACE;
  const isPunctuated = isSeparated && byteAt(at + 13) === COLON && byteAt(at + 16) === COLON;
  const hour = pairAt(at + 11);
  const minute = pairAt(at + 14);
  const second = pairAt(at + 17);
  if (days === NO_TIME || !isPunctuated || hour > 23 || minute > 59 || second > 59) return NO_TIME;
  return ((days * 24 + (hour as i64)) * 60 + (minute as i64)) * 60 + (second as i64);
}

/** Skips a zone that {@link zoneSecondsAt} accepted. */
export function skipZone(at: usize): usize {
  if (isZ(byteAt(at))) return at + 1;
  const next = byteAt(at + 3);
  return next === COLON ? at + 6 : isDigit(next) ? at + 5 : at + 3;
}

/** Returns the UTC offset in seconds of a zone: Z, +01:30, +0130 or +01; else `NO_TIME`. */
export function zoneSecondsAt(at: usize): i64 {
  const sign = byteAt(at);
  if (isZ(sign)) return 0;
  const hours = pairAt(at + 1);
  const next = byteAt(at + 3);
  const minutes: u32 = next === COLON ? pairAt(at + 4) : isDigit(next) ? pairAt(at + 3) : 0;
  if ((sign !== PLUS && sign !== MINUS) || hours > 23 || minutes > 59) return NO_TIME;
  const seconds = (hours * 3600 + minutes * 60) as i64;
  return sign === MINUS ? -seconds : seconds;
}

function isZ(byte: u32): bool {
  return (byte | LOWER_CASE) === LOWER_Z;
}

/** A cache of the last day by its ten bytes, since most times are on the day of the previous one. */
let lastHead: u64 = 0;
let lastTail: u32 = 0;
let lastDays: i64 = NO_TIME;

/** Returns the days since 1970 of a date from the year 1 on, as 2018-01-31; `NO_TIME` if there is none. */
export function daysAt(at: usize): i64 {
  const head = load<u64>(at);
  const tail: u32 = load<u16>(at + 8);
  if (head !== lastHead || tail !== lastTail) {
    lastDays = readDays(at);
    lastHead = head;
    lastTail = tail;
  }
  return lastDays;
}

function readDays(at: usize): i64 {
  const century = pairAt(at);
  const ofCentury = pairAt(at + 2);
  const month = pairAt(at + 5);
  const day = pairAt(at + 8);
  const isPunctuated = byteAt(at + 4) === MINUS && byteAt(at + 7) === MINUS;
  if (!isPunctuated || century > 99 || ofCentury > 99 || month < 1 || month > 12) return NO_TIME;
  const year = century * 100 + ofCentury;
  if (year === 0 || day === 0 || day > daysInMonth(year, month)) return NO_TIME;
  return daysSince1970(year, month, day);
}

function daysInMonth(year: u32, month: u32): u32 {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (load<u8>(DAYS + month - 1) as u32) + (month === 2 && isLeap ? 1 : 0);
}

function daysSince1970(year: u32, month: u32, day: u32): i64 {
  // Years start in March, so that the leap day is the last day.
  const from = (month > 2 ? year : year - 1) as i64;
  const leapDays = from / 4 - from / 100 + from / 400;
  const ofYear = (153 * ((month > 2 ? month - 3 : month + 9) as i64) + 2) / 5 + (day as i64) - 1;
  return from * 365 + leapDays + ofYear - DAYS_TO_1970;
}

/** Returns the number of two digits; `NO_PAIR` if there are none. */
function pairAt(at: usize): u32 {
  const tens = byteAt(at);
  const ones = byteAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NO_PAIR;
}
