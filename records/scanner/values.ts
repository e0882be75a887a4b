/** Numbers and times in a JSON text; see json.ts. */
import { COLON, LOWER_CASE, MINUS, PLUS, POINT, SPACE, ZERO, byteAt, isDigit } from './json';

const FIVE: u32 = 0x35;
const LOWER_T: u32 = 0x74;
const LOWER_Z: u32 = 0x7a;

const MICROS_DIGITS = 6;
const MOST_ZEROS: usize = 20;

/** What says of a time that it is none. */
export const NO_TIME: i64 = i64.MIN_VALUE;
/** The first microsecond of the year 1, and of the year 10000: every reader of the tables can hold what is between. */
const EARLIEST: i64 = -62_135_596_800_000_000;
const TOO_LATE: i64 = 253_402_300_800_000_000;
/** What is larger than any number of two digits. */
const NO_PAIR: u32 = 1000;

/** Days of each month, from January, of a year that is no leap year. */
const DAYS = memory.data<u8>([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
/** From the first of March of the year 0. */
const DAYS_TO_1970: i64 = 719_468;

/** Passes digits; where there are none, it ends where it began. */
export function passDigits(at: usize): usize {
  while (isDigit(byteAt(at))) at += 1;
  return at;
}

/** Passes a point and its decimals, where they are there: so many at most, but for zeros behind them. */
export function passDecimals(at: usize, most: usize): usize {
  if (byteAt(at) !== POINT) return at;
  const first = at + 1;
  const end = passDigits(first);
  for (let digit = first + most; digit < end; digit += 1) if (byteAt(digit) !== ZERO) return at;
  return end === first ? at : end;
}

/** Passes a point and zeros, where they are there. */
export function passZeros(at: usize): usize {
  if (byteAt(at) !== POINT) return at;
  let end = at + 1;
  while (byteAt(end) === ZERO) end += 1;
  const zeros = end - at - 1;
  return zeros > 0 && zeros <= MOST_ZEROS ? end : at;
}

/** The number of so many digits, at most 18. */
export function integerAt(from: usize, to: usize): i64 {
  let number: i64 = 0;
  for (let at = from; at < to; at += 1) number = number * 10 + ((byteAt(at) - ZERO) as i64);
  return number;
}

/** The microseconds that a point and its decimals say, to the nearest; 0 where there is no point. */
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

/** Whether a time, in microseconds, is of the years 1 to 9999. */
export function isTableTime(micros: i64): bool {
  return micros >= EARLIEST && micros < TOO_LATE;
}

/** The seconds since 1970 of the whole second that stands there, as 2018-01-31T12:00:00; `NO_TIME` where none does. */
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

/** Passes what says where a time was taken, which {@link zoneSecondsAt} knows. */
export function passZone(at: usize): usize {
  if (isZ(byteAt(at))) return at + 1;
  const next = byteAt(at + 3);
  return next === COLON ? at + 6 : isDigit(next) ? at + 5 : at + 3;
}

/** By how many seconds the clocks are ahead where a time was taken: a Z, or +01:30, +0130 or +01; else `NO_TIME`. */
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

/** The day that was asked for last, as its ten bytes stand in a text; most times are of the day of the one before. */
let lastHead: u64 = 0;
let lastTail: u32 = 0;
let lastDays: i64 = NO_TIME;

/** The days since 1970 of the day that stands there, as 2018-01-31, from the year 1 on; `NO_TIME` where none does. */
function daysAt(at: usize): i64 {
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
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (load<u8>(DAYS + month - 1) as u32) + (month === 2 && isLeap ? 1 : 0);
  if (year === 0 || day === 0 || day > days) return NO_TIME;
  // Years are counted from March, so that a leap day is the last one.
  const from = (month > 2 ? year : year - 1) as i64;
  const leapDays = from / 4 - from / 100 + from / 400;
  const ofYear = (153 * ((month > 2 ? month - 3 : month + 9) as i64) + 2) / 5 + (day as i64) - 1;
  return from * 365 + leapDays + ofYear - DAYS_TO_1970;
}

/** The number of two digits; `NO_PAIR` where there are none. */
function pairAt(at: usize): u32 {
  const tens = byteAt(at);
  const ones = byteAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NO_PAIR;
}
