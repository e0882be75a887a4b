import type { LeafType } from '../model/attempt.ts';

/**
 * Passes something of a JSON text.
 * @param at Where it begins.
 * @returns Where it ends; {@link NOT_SO} where it is not in one of its common forms.
 */
export type Pass = (bytes: Uint8Array, at: number) => number;

/** What a {@link Pass} answers when it does not accept what it finds. */
export const NOT_SO = -1;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** The letters that a backslash may stand before; `u` is left to the check. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;

/** The bytes that a text has between its quotes but for escapes. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Days of each month, from January; a 29 February is left to the check. */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Passes a value of a type. */
export const PASSES: Readonly<Record<LeafType, Pass>> = {
  text: passText,
  boolean: passBoolean,
  integer: passInteger,
  timestamp: passTimestamp,
  epoch: passEpoch,
};

/** Passes any space. */
export function passSpace(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** Whether these bytes stand there. */
export function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let place = 0; place < wanted.length; place += 1)
    if (bytes[at + place] !== wanted[place]) return false;
  return true;
}

/** Passes a text with its quotes, which may have simple escapes. */
export function passText(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return NOT_SO;
  for (at += 1; ; at += 2) {
    while (at < bytes.length && PLAIN[bytes[at] ?? 0] === 1) at += 1;
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] !== BACKSLASH || ESCAPED[bytes[at + 1] ?? 0] !== 1) return NOT_SO;
  }
}

function passQuote(bytes: Uint8Array, at: number): number {
  return bytes[at] === QUOTE ? at + 1 : NOT_SO;
}

function passBoolean(bytes: Uint8Array, at: number): number {
  const isQuoted = bytes[at] === QUOTE;
  const from = isQuoted ? at + 1 : at;
  const word = isAt(bytes, from, TRUE) ? TRUE : FALSE;
  if (word === FALSE && !isAt(bytes, from, FALSE)) return NOT_SO;
  return isQuoted ? passQuote(bytes, from + word.length) : from + word.length;
}

/** A whole number of at most nine digits, or its text, which may have zeros after a point. */
function passInteger(bytes: Uint8Array, at: number): number {
  const isQuoted = bytes[at] === QUOTE;
  if (isQuoted) at += 1;
  if (bytes[at] === MINUS) at += 1;
  const end = passDigits(bytes, at);
  const digits = end - at;
  if (digits === 0 || digits > 9) return NOT_SO;
  if (isQuoted) return passQuote(bytes, passZeros(bytes, end));
  if (digits > 1 && bytes[at] === ZERO) return NOT_SO;
  // What goes on with a fraction or an exponent is none of the common ones.
  const next = bytes[end] ?? 0;
  return next === COMMA || next === CLOSE_BRACE || next <= SPACE ? end : NOT_SO;
}

/** Passes a point and zeros, where they are there. */
function passZeros(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== POINT) return at;
  let end = at + 1;
  while (bytes[end] === ZERO) end += 1;
  const zeros = end - at - 1;
  return zeros > 0 && zeros <= 20 ? end : at;
}

/** Seconds since 1970 as a text of digits, with decimals or without. */
function passEpoch(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return NOT_SO;
  const end = passDigits(bytes, at + 1);
  const digits = end - at - 1;
  return digits === 0 || digits > 11 ? NOT_SO : passQuote(bytes, passDecimals(bytes, end, 9));
}

/** A time in UTC, as 2018-01-31T12:00:00.000Z. */
function passTimestamp(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE || !isPunctuated(bytes, at + 1)) return NOT_SO;
  const from = at + 1;
  const year = numberAt(bytes, from) * 100 + numberAt(bytes, from + 2);
  const month = numberAt(bytes, from + 5);
  const day = numberAt(bytes, from + 8);
  // Of what is no digit the number is NaN, which is in no range.
  if (!(year > 0 && day > 0 && day <= (DAYS[month - 1] ?? 0))) return NOT_SO;
  const isTime =
    numberAt(bytes, from + 11) < 24 && numberAt(bytes, from + 14) < 60 && numberAt(bytes, from + 17) < 60;
  const end = passDecimals(bytes, from + 19, 6);
  return isTime && bytes[end] === Z ? passQuote(bytes, end + 1) : NOT_SO;
}

function isPunctuated(bytes: Uint8Array, from: number): boolean {
  return (
    bytes[from + 4] === MINUS &&
    bytes[from + 7] === MINUS &&
    bytes[from + 10] === T &&
    bytes[from + 13] === COLON &&
    bytes[from + 16] === COLON
  );
}

/** The number of two digits; NaN where there are none. */
function numberAt(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] ?? 0;
  const ones = bytes[at + 1] ?? 0;
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NaN;
}

/** Passes a point and so many decimals at most, where they are there. */
function passDecimals(bytes: Uint8Array, at: number, most: number): number {
  if (bytes[at] !== POINT) return at;
  const end = passDigits(bytes, at + 1);
  const decimals = end - at - 1;
  return decimals > 0 && decimals <= most ? end : at;
}

function passDigits(bytes: Uint8Array, at: number): number {
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
