/**
 * Parts of a JSON text in memory, which is UTF-8 and has at least 64 zero bytes behind it: none of them stands in JSON,
 * so that what passes something ends there, and need not ask where the text ends. A place is an address.
 */

/** What a pass answers when it does not accept what it finds; else it says where that ends. */
export const NOT_SO: usize = 0;

export const SPACE: u32 = 0x20;
export const QUOTE: u32 = 0x22;
export const PLUS: u32 = 0x2b;
export const COMMA: u32 = 0x2c;
export const MINUS: u32 = 0x2d;
export const POINT: u32 = 0x2e;
export const ZERO: u32 = 0x30;
export const COLON: u32 = 0x3a;
export const OPEN_BRACKET: u32 = 0x5b;
export const BACKSLASH: u32 = 0x5c;
export const CLOSE_BRACKET: u32 = 0x5d;
export const OPEN_BRACE: u32 = 0x7b;
export const CLOSE_BRACE: u32 = 0x7d;

const TAB: u32 = 0x09;
const LINE_FEED: u32 = 0x0a;
const CARRIAGE_RETURN: u32 = 0x0d;

/** The bit that an ASCII letter has in lower case alone. */
export const LOWER_CASE: u32 = 0x20;
const LOWER_A: u32 = 0x61;
const LOWER_B: u32 = 0x62;
const LOWER_F: u32 = 0x66;
const LOWER_N: u32 = 0x6e;
const LOWER_R: u32 = 0x72;
const LOWER_T: u32 = 0x74;
const LOWER_U: u32 = 0x75;
const SLASH: u32 = 0x2f;

/** The character U+FEFF in UTF-8, as it stands in memory. */
const BYTE_ORDER_MARK: u32 = 0x00bf_bbef;

/** The bytes that are looked at at once. */
const WIDE_BYTES: usize = 16;
const WORD_BYTES: usize = 8;

/** What {@link codeUnitAt} and {@link meantBy} answer where nothing of the sort stands there. */
const NONE: u32 = 0xffff_ffff;

/** The byte at a place. */
export function byteAt(at: usize): u32 {
  return load<u8>(at);
}

/** Whether a byte is a digit. */
export function isDigit(byte: u32): bool {
  return byte - ZERO <= 9;
}

/** Whether so many bytes, at least eight, stand at both places. */
export function isSameWords(one: usize, other: usize, length: usize): bool {
  for (let at: usize = 0; at + WORD_BYTES < length; at += WORD_BYTES)
    if (load<u64>(one + at) !== load<u64>(other + at)) return false;
  const last = length - WORD_BYTES;
  return load<u64>(one + last) === load<u64>(other + last);
}

/** The next bytes as a word, zeros in place of those after so many, which are fewer than eight. */
export function firstOfWord(at: usize, bytes: usize): u64 {
  return load<u64>(at) & (((1 as u64) << ((bytes as u64) << 3)) - 1);
}

/** Passes the byte order mark that a text may begin with, which is no part of its JSON. */
export function passMark(at: usize): usize {
  return (load<u32>(at) & 0x00ff_ffff) === BYTE_ORDER_MARK ? at + 3 : at;
}

/** Passes any space. */
export function passSpace(at: usize): usize {
  for (;;) {
    const byte = byteAt(at);
    if (byte > SPACE || (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB))
      break;
    at += 1;
  }
  return at;
}

/** Passes the bytes of a text that stand for themselves: all but controls, quotes and backslashes. */
export function passPlain(at: usize): usize {
  for (;;) {
    const bytes = v128.load(at);
    const quotes = i8x16.eq(bytes, i8x16.splat(QUOTE as i8));
    const backslashes = i8x16.eq(bytes, i8x16.splat(BACKSLASH as i8));
    const controls = i8x16.lt_u(bytes, i8x16.splat(SPACE as i8));
    const ends = i8x16.bitmask(v128.or(v128.or(quotes, backslashes), controls));
    if (ends !== 0) return at + (ctz(ends) as usize);
    at += WIDE_BYTES;
  }
  return at;
}

/**
 * Puts a text, which begins at a place and may have escapes, in its own place as what it means; that is never longer.
 * @returns Where it ends now, without a quote; `NOT_SO` where it is not as JSON has it, or its characters are not whole.
 * {@link textEnd} says where it ended.
 */
export function unescape(from: usize): usize {
  let to = from;
  let at = from;
  for (;;) {
    const end = passPlain(at);
    memory.copy(to, at, end - at);
    to += end - at;
    at = end;
    if (byteAt(at) === QUOTE) break;
    if (byteAt(at) !== BACKSLASH) return NOT_SO;
    const letter = byteAt(at + 1);
    if (letter !== LOWER_U) {
      const meant = meantBy(letter);
      if (meant === NONE) return NOT_SO;
      to = putCharacter(to, meant);
      at += 2;
      continue;
    }
    const unit = codeUnitAt(at);
    if (unit === NONE || isLowSurrogate(unit)) return NOT_SO;
    at += 6;
    if (!isHighSurrogate(unit)) {
      to = putCharacter(to, unit);
      continue;
    }
    const low = codeUnitAt(at);
    if (!isLowSurrogate(low)) return NOT_SO;
    to = putCharacter(to, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
    at += 6;
  }
  textEnd = at + 1;
  return to;
}

/** Where the text ended that was {@link unescape}d last, its quote included. */
export let textEnd: usize = 0;

/** What an escape of one letter means. */
function meantBy(letter: u32): u32 {
  if (letter === QUOTE || letter === BACKSLASH || letter === SLASH) return letter;
  if (letter === LOWER_N) return LINE_FEED;
  if (letter === LOWER_T) return TAB;
  if (letter === LOWER_R) return CARRIAGE_RETURN;
  if (letter === LOWER_B) return 0x08;
  if (letter === LOWER_F) return 0x0c;
  return NONE;
}

/** The UTF-16 code unit of an escape of four digits, as \u00e4. */
function codeUnitAt(at: usize): u32 {
  if (byteAt(at) !== BACKSLASH || byteAt(at + 1) !== LOWER_U) return NONE;
  let unit: u32 = 0;
  for (let digit: usize = 2; digit < 6; digit += 1) {
    const byte = byteAt(at + digit);
    const letter = (byte | LOWER_CASE) - LOWER_A;
    if (isDigit(byte)) unit = (unit << 4) + byte - ZERO;
    else if (letter < 6) unit = (unit << 4) + letter + 10;
    else return NONE;
  }
  return unit;
}

function isHighSurrogate(unit: u32): bool {
  return unit - 0xd800 < 0x400;
}

function isLowSurrogate(unit: u32): bool {
  return unit - 0xdc00 < 0x400;
}

/** Puts a character as UTF-8; returns where it ends. */
function putCharacter(at: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(at, code);
    return at + 1;
  }
  if (code < 0x800) {
    store<u8>(at, 0xc0 | (code >> 6));
    store<u8>(at + 1, continued(code));
    return at + 2;
  }
  if (code < 0x1_0000) {
    store<u8>(at, 0xe0 | (code >> 12));
    store<u8>(at + 1, continued(code >> 6));
    store<u8>(at + 2, continued(code));
    return at + 3;
  }
  store<u8>(at, 0xf0 | (code >> 18));
  store<u8>(at + 1, continued(code >> 12));
  store<u8>(at + 2, continued(code >> 6));
  store<u8>(at + 3, continued(code));
  return at + 4;
}

function continued(code: u32): u32 {
  return 0x80 | (code & 0x3f);
}
