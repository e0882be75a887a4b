import type { LeafType } from '../model/attempt.ts';
import { WORD_BYTES, isAt, passWords, wanted } from './scan-text.ts';

/**
 * Passes something of a JSON text.
 * @param text As {@link ScanText} holds it.
 * @param at Where it begins.
 * @returns Where it ends; {@link NOT_SO} where it is not in one of its common forms.
 */
export type Pass = (text: DataView, at: number) => number;

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

const TRUE = wanted('true');
const FALSE = wanted('false');

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
export function passSpace(text: DataView, at: number): number {
  for (;;) {
    const byte = text.getUint8(at);
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** Passes a text with its quotes, which may have simple escapes. */
export function passText(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE) return NOT_SO;
  for (at += 1; ; at += 2) {
    at = passPlain(text, at);
    if (text.getUint8(at) === QUOTE) return at + 1;
    if (text.getUint8(at) !== BACKSLASH || ESCAPED[text.getUint8(at + 1)] !== 1) return NOT_SO;
  }
}

function passPlain(text: DataView, at: number): number {
  for (;;) {
    at = passWords(text, at);
    const end = at + WORD_BYTES;
    while (at < end && PLAIN[text.getUint8(at)] === 1) at += 1;
    if (at < end) return at;
  }
}

function passQuote(text: DataView, at: number): number {
  return text.getUint8(at) === QUOTE ? at + 1 : NOT_SO;
}

function passBoolean(text: DataView, at: number): number {
  const isQuoted = text.getUint8(at) === QUOTE;
  const from = isQuoted ? at + 1 : at;
  const word = isAt(text, from, TRUE) ? TRUE : FALSE;
  if (word === FALSE && !isAt(text, from, FALSE)) return NOT_SO;
  return isQuoted ? passQuote(text, from + word.length) : from + word.length;
}

/** A whole number of at most nine digits, or its text, which may have zeros after a point. */
function passInteger(text: DataView, at: number): number {
  const isQuoted = text.getUint8(at) === QUOTE;
  if (isQuoted) at += 1;
  if (text.getUint8(at) === MINUS) at += 1;
  const end = passDigits(text, at);
  const digits = end - at;
  if (digits === 0 || digits > 9) return NOT_SO;
  if (isQuoted) return passQuote(text, passZeros(text, end));
  if (digits > 1 && text.getUint8(at) === ZERO) return NOT_SO;
  // What goes on with a fraction or an exponent is none of the common ones.
  const next = text.getUint8(end);
  return next === COMMA || next === CLOSE_BRACE || next <= SPACE ? end : NOT_SO;
}

/** Passes a point and zeros, where they are there. */
function passZeros(text: DataView, at: number): number {
  if (text.getUint8(at) !== POINT) return at;
  let end = at + 1;
  while (text.getUint8(end) === ZERO) end += 1;
  const zeros = end - at - 1;
  return zeros > 0 && zeros <= 20 ? end : at;
}

/** Seconds since 1970 as a text of digits, with decimals or without. */
function passEpoch(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE) return NOT_SO;
  const end = passDigits(text, at + 1);
  const digits = end - at - 1;
  return digits === 0 || digits > 11 ? NOT_SO : passQuote(text, passDecimals(text, end, 9));
}

/** A time in UTC, as 2018-01-31T12:00:00.000Z. */
function passTimestamp(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE || !isPunctuated(text, at + 1)) return NOT_SO;
  const from = at + 1;
  const year = numberAt(text, from) * 100 + numberAt(text, from + 2);
  const month = numberAt(text, from + 5);
  const day = numberAt(text, from + 8);
  // Of what is no digit the number is NaN, which is in no range.
  if (!(year > 0 && day > 0 && day <= (DAYS[month - 1] ?? 0))) return NOT_SO;
  const isTime =
    numberAt(text, from + 11) < 24 && numberAt(text, from + 14) < 60 && numberAt(text, from + 17) < 60;
  const end = passDecimals(text, from + 19, 6);
  return isTime && text.getUint8(end) === Z ? passQuote(text, end + 1) : NOT_SO;
}

function isPunctuated(text: DataView, from: number): boolean {
  return (
    text.getUint8(from + 4) === MINUS &&
    text.getUint8(from + 7) === MINUS &&
    text.getUint8(from + 10) === T &&
    text.getUint8(from + 13) === COLON &&
    text.getUint8(from + 16) === COLON
  );
}

/** The number of two digits; NaN where there are none. */
function numberAt(text: DataView, at: number): number {
  const tens = text.getUint8(at);
  const ones = text.getUint8(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NaN;
}

/** Passes a point and so many decimals at most, where they are there. */
function passDecimals(text: DataView, at: number, most: number): number {
  if (text.getUint8(at) !== POINT) return at;
  const end = passDigits(text, at + 1);
  const decimals = end - at - 1;
  return decimals > 0 && decimals <= most ? end : at;
}

function passDigits(text: DataView, at: number): number {
  while (isDigit(text.getUint8(at))) at += 1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
