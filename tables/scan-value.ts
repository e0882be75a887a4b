import { WORD_BYTES, passWords } from './scan-text.ts';

/** What a pass answers when it does not accept what it finds; else it says where that ends. */
export const NOT_SO = -1;

export const QUOTE = 0x22;
export const ZERO = 0x30;
export const MINUS = 0x2d;
export const PLUS = 0x2b;
export const SPACE = 0x20;
const POINT = 0x2e;
const FIVE = 0x35;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const T = 0x54;
const Z = 0x5a;

/** The letters that a backslash may stand before, but for the `u` of four digits. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;

const HEX_DIGITS = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX_DIGITS[digit.charCodeAt(0)] = 1;

/** The bytes that a text has between its quotes but for escapes. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Days of each month, from January, of a year that is no leap year. */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MICROS_DIGITS = 6;

/** Passes any space. */
export function passSpace(text: DataView, at: number): number {
  for (;;) {
    const byte = text.getUint8(at);
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at += 1;
  }
}

/** Passes a text with its quotes. */
export function passText(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE) return NOT_SO;
  at += 1;
  for (;;) {
    at = passPlain(text, at);
    if (text.getUint8(at) === QUOTE) return at + 1;
    if (text.getUint8(at) !== BACKSLASH) return NOT_SO;
    const letter = text.getUint8(at + 1);
    if (ESCAPED[letter] === 1) at += 2;
    else if (letter === LOWER_U && isHex(text, at + 2)) at += 6;
    else return NOT_SO;
  }
}

/** Passes the bytes of a text that stand for themselves. */
export function passPlain(text: DataView, at: number): number {
  for (;;) {
    at = passWords(text, at);
    const end = at + WORD_BYTES;
    while (at < end && PLAIN[text.getUint8(at)] === 1) at += 1;
    if (at < end) return at;
  }
}

/** Passes a quote. */
export function passQuote(text: DataView, at: number): number {
  return text.getUint8(at) === QUOTE ? at + 1 : NOT_SO;
}

/** Passes digits; where there are none, it ends where it began. */
export function passDigits(text: DataView, at: number): number {
  while (isDigit(text.getUint8(at))) at += 1;
  return at;
}

/** Passes a point and so many decimals at most, where they are there. */
export function passDecimals(text: DataView, at: number, most: number): number {
  if (text.getUint8(at) !== POINT) return at;
  const end = passDigits(text, at + 1);
  const decimals = end - at - 1;
  return decimals > 0 && decimals <= most ? end : at;
}

/** Passes a point and zeros, where they are there. */
export function passZeros(text: DataView, at: number): number {
  if (text.getUint8(at) !== POINT) return at;
  let end = at + 1;
  while (text.getUint8(end) === ZERO) end += 1;
  const zeros = end - at - 1;
  return zeros > 0 && zeros <= 20 ? end : at;
}

/** The number of so many digits. */
export function integerAt(text: DataView, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) number = number * 10 + text.getUint8(at) - ZERO;
  return number;
}

/** The microseconds that a point and its decimals say, to the nearest; 0 where there is no point. */
export function microsAt(text: DataView, from: number): number {
  if (text.getUint8(from) !== POINT) return 0;
  let micros = 0;
  let at = from + 1;
  for (let left = MICROS_DIGITS; left > 0; left -= 1) {
    const byte = text.getUint8(at);
    const isThere = isDigit(byte);
    micros = micros * 10 + (isThere ? byte - ZERO : 0);
    if (isThere) at += 1;
  }
  const next = text.getUint8(at);
  return next >= FIVE && next <= NINE ? micros + 1 : micros;
}

/** The seconds since 1970 of the whole second that stands there, as 2018-01-31T12:00:00; NaN where none does. */
export function secondsAt(text: DataView, at: number): number {
  const isPunctuated =
    text.getUint8(at + 4) === MINUS &&
    text.getUint8(at + 7) === MINUS &&
    text.getUint8(at + 10) === T &&
    text.getUint8(at + 13) === COLON &&
    text.getUint8(at + 16) === COLON;
  if (!isPunctuated) return NaN;
  const year = numberAt(text, at) * 100 + numberAt(text, at + 2);
  const day = dayOf(year, numberAt(text, at + 5), numberAt(text, at + 8));
  const hour = below(24, numberAt(text, at + 11));
  const minute = below(60, numberAt(text, at + 14));
  return ((day * 24 + hour) * 60 + minute) * 60 + below(60, numberAt(text, at + 17));
}

/** Passes what says where a time was taken: a Z, or an offset as +01:30. */
export function passZone(text: DataView, at: number): number {
  if (text.getUint8(at) === Z) return at + 1;
  return Number.isNaN(zoneSecondsAt(text, at)) ? NOT_SO : at + 6;
}

/** By how many seconds its clocks are ahead; NaN where nothing of the sort stands there. */
export function zoneSecondsAt(text: DataView, at: number): number {
  const sign = text.getUint8(at);
  if (sign === Z) return 0;
  if ((sign !== PLUS && sign !== MINUS) || text.getUint8(at + 3) !== COLON) return NaN;
  const seconds = below(24, numberAt(text, at + 1)) * 3600 + below(60, numberAt(text, at + 4)) * 60;
  return sign === MINUS ? -seconds : seconds;
}

/** The days since 1970 of a day from the year 1 on; NaN where the calendar has none. */
function dayOf(year: number, month: number, day: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (DAYS[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0);
  if (!(year > 0 && day > 0 && day <= days)) return NaN;
  // Years are counted from March, so that a leap day is the last one.
  const from = month > 2 ? year : year - 1;
  const leapDays = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return from * 365 + leapDays + ofYear - DAYS_TO_1970;
}

/** From the first of March of the year 0. */
const DAYS_TO_1970 = 719_468;

function below(limit: number, number: number): number {
  return number < limit ? number : NaN;
}

/** The number of two digits; NaN where there are none. */
function numberAt(text: DataView, at: number): number {
  const tens = text.getUint8(at);
  const ones = text.getUint8(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NaN;
}

function isHex(text: DataView, at: number): boolean {
  for (let end = at + 4; at < end; at += 1) if (HEX_DIGITS[text.getUint8(at)] !== 1) return false;
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
