/**
 * Reads tokens of a JSON text in memory: UTF-8 with {@link ROOM_BYTES} zero bytes after it. These are invalid in JSON, so that
 * every function stops there without bounds checks. Positions (`at`) are addresses.
 */

/** The bytes after a text that may be read. */
export const ROOM_BYTES: usize = 64;

/** Returned by functions that consume a token if it does not match; otherwise they return its end. */
export const NO_MATCH: usize = 0;

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

/** The bit that distinguishes lower-case ASCII letters. */
export const LOWER_CASE: u32 = 0x20;
const LOWER_A: u32 = 0x61;
const LOWER_B: u32 = 0x62;
const LOWER_F: u32 = 0x66;
const LOWER_N: u32 = 0x6e;
const LOWER_R: u32 = 0x72;
const LOWER_T: u32 = 0x74;
const LOWER_U: u32 = 0x75;
const SLASH: u32 = 0x2f;

/** U+FEFF in UTF-8, as a little-endian word. */
const BYTE_ORDER_MARK: u32 = 0x00bf_bbef;

/** Bytes read at once: a SIMD vector, and a word. */
const WIDE_BYTES: usize = 16;
const WORD_BYTES: usize = 8;

/** Returned by {@link codeUnitAt} and {@link unescapedLetter} if there is no valid escape. */
const NONE: u32 = 0xffff_ffff;

/** Returns the byte at an address. */
export function byteAt(at: usize): u32 {
  return load<u8>(at);
}

/** Returns whether a byte is a digit. */
export function isDigit(byte: u32): bool {
  return byte - ZERO <= 9;
}

/** Returns whether two ranges of `length` bytes, at least eight, are equal. */
export function isSameWords(one: usize, other: usize, length: usize): bool {
  for (let at: usize = 0; at + WORD_BYTES < length; at += WORD_BYTES)
    if (load<u64>(one + at) !== load<u64>(other + at)) return false;
  const last = length - WORD_BYTES;
  return load<u64>(one + last) === load<u64>(other + last);
}

/** Returns whether two ranges of `length` bytes are equal. */
export function isSameBytes(one: usize, other: usize, length: usize): bool {
  if (length >= WORD_BYTES) return isSameWords(one, other, length);
  return firstOfWord(one, length) === firstOfWord(other, length);
}

/** Returns the next `bytes` bytes, fewer than eight, as a zero-extended word. */
export function firstOfWord(at: usize, bytes: usize): u64 {
  return load<u64>(at) & (((1 as u64) << ((bytes as u64) << 3)) - 1);
}

/** Skips a leading byte order mark, which is not part of the JSON. */
export function skipByteOrderMark(at: usize): usize {
  return (load<u32>(at) & 0x00ff_ffff) === BYTE_ORDER_MARK ? at + 3 : at;
}

/** Skips spaces. */
export function skipSpaces(at: usize): usize {
  return byteAt(at) > SPACE ? at : skipWideSpaces(at);
}

function skipWideSpaces(from: usize): usize {
  let at = from;
  for (;;) {
    const bytes = v128.load(at);
    const spaces = v128.or(isEach(bytes, SPACE), isEach(bytes, LINE_FEED));
    const others = v128.or(isEach(bytes, CARRIAGE_RETURN), isEach(bytes, TAB));
    const ends = i8x16.bitmask(v128.not(v128.or(spaces, others)));
    if (ends !== 0) return at + (ctz(ends) as usize);
    at += WIDE_BYTES;
  }
  return at;
}

/** Returns for each byte whether it is that character. */
function isEach(bytes: v128, character: u32): v128 {
  return i8x16.eq(bytes, i8x16.splat(character as i8));
}

/** Skips bytes of a string other than control characters, quotes and backslashes. */
export function skipPlainBytes(at: usize): usize {
  for (;;) {
    const bytes = v128.load(at);
    const controls = i8x16.lt_u(bytes, i8x16.splat(SPACE as i8));
    const ends = i8x16.bitmask(v128.or(v128.or(isEach(bytes, QUOTE), isEach(bytes, BACKSLASH)), controls));
    if (ends !== 0) return at + (ctz(ends) as usize);
    at += WIDE_BYTES;
  }
  return at;
}

/** The addresses of the first byte and after the last byte of the string that {@link readText} read. */
export let textFrom: usize = 0;
export let textTo: usize = 0;

/** Reads a string, unescaped in place. */
export function readText(at: usize): usize {
  if (byteAt(at) !== QUOTE) return NO_MATCH;
  textFrom = at + 1;
  textTo = skipPlainBytes(textFrom);
  if (byteAt(textTo) === QUOTE) return textTo + 1;
  textTo = unescape(textFrom);
  return textTo === NO_MATCH ? NO_MATCH : textEnd;
}

/**
 * Unescapes a string in place, which never makes it longer.
 * @returns The end of the unescaped string, without a quote; `NO_MATCH` if the JSON is invalid or has an unpaired surrogate.
 * {@link textEnd} is the end of the escaped string.
 */
export function unescape(from: usize): usize {
  let to = from;
  let at = from;
  for (;;) {
    const end = skipPlainBytes(at);
    if (to !== at) moveBack(to, at, end - at);
    to += end - at;
    at = end;
    if (byteAt(at) === QUOTE) break;
    if (byteAt(at) !== BACKSLASH) return NO_MATCH;
    const letter = byteAt(at + 1);
    if (letter !== LOWER_U) {
      const character = unescapedLetter(letter);
      if (character === NONE) return NO_MATCH;
      to = putCharacter(to, character);
      at += 2;
      continue;
    }
    const unit = codeUnitAt(at);
    if (unit === NONE || isLowSurrogate(unit)) return NO_MATCH;
    at += 6;
    if (!isHighSurrogate(unit)) {
      to = putCharacter(to, unit);
      continue;
    }
    const low = codeUnitAt(at);
    if (!isLowSurrogate(low)) return NO_MATCH;
    to = putCharacter(to, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
    at += 6;
  }
  textEnd = at + 1;
  return to;
}

/** Copies bytes to a lower address, which may overlap them; faster than `memory.copy` if they are few. */
function moveBack(to: usize, from: usize, length: usize): void {
  if (length < WORD_BYTES) {
    for (let at: usize = 0; at < length; at += 1) store<u8>(to + at, load<u8>(from + at));
    return;
  }
  // Read first, since the other words can overwrite it.
  const last = length - WORD_BYTES;
  const lastWord = load<u64>(from + last);
  for (let at: usize = 0; at < last; at += WORD_BYTES) store<u64>(to + at, load<u64>(from + at));
  store<u64>(to + last, lastWord);
}

/** The address after the closing quote of the last string that was {@link unescape}d. */
export let textEnd: usize = 0;

/** Returns the character of a one-letter escape. */
function unescapedLetter(letter: u32): u32 {
  if (letter === QUOTE || letter === BACKSLASH || letter === SLASH) return letter;
  if (letter === LOWER_N) return LINE_FEED;
  if (letter === LOWER_T) return TAB;
  if (letter === LOWER_R) return CARRIAGE_RETURN;
  if (letter === LOWER_B) return 0x08;
  if (letter === LOWER_F) return 0x0c;
  return NONE;
}

/** Returns the UTF-16 code unit of an escape of four hex digits, as \u00e4. */
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

/** Writes a character in UTF-8; returns the address after it. */
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
