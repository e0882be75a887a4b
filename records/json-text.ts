/** Returned by functions that skip a token if it does not match; otherwise they return its end. */
export const NO_MATCH_OFFSET = -1;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The characters that may follow a backslash, except `u`. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;

const HEX_DIGITS = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX_DIGITS[digit.charCodeAt(0)] = 1;

/** Bytes of a string that stand for themselves. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** Zero bytes after a text; they are invalid in JSON, so that a scan ends there. */
const PADDING_BYTES = 64;
const WORD_BYTES = 4;
const FIRST_BYTES = 1 << 14;

/**
 * A reusable buffer for a text with zero bytes after it, so that a scan can read whole words without bounds checks.
 */
export class PaddedText {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);

  /** Copies a text into the buffer, in place of the previous one. */
  load(text: Uint8Array): DataView {
    const needed = text.length + PADDING_BYTES;
    if (needed > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(needed)));
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#bytes.set(text);
    this.#bytes.fill(0, text.length, needed);
    return this.#view;
  }
}

/** The character U+FEFF in UTF-8. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff', 'utf8');

/** Returns a text without a leading byte order mark, which is not part of its JSON (RFC 8259, 8.1). */
export function withoutMark(text: Buffer): Buffer {
  const { length } = BYTE_ORDER_MARK;
  return BYTE_ORDER_MARK.equals(text.subarray(0, length)) ? text.subarray(length) : text;
}

/** A string to match, in words of four bytes. */
export interface Literal {
  /** In bytes. */
  readonly length: number;
  /** All words but the last. */
  readonly words: Int32Array;
  /** The last four bytes, which may overlap the previous word, and their offset. */
  readonly lastWord: number;
  readonly lastAt: number;
}

/** Returns the literal for a string of 4 to 63 bytes. */
export function literalOf(text: string): Literal {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  if (length < WORD_BYTES || length >= PADDING_BYTES) throw new RangeError(`${text} is not of 4 to 63 bytes`);
  const words = Int32Array.from({ length: Math.ceil(length / WORD_BYTES) - 1 }, (_, index) =>
    bytes.readInt32LE(index * WORD_BYTES),
  );
  const lastAt = length - WORD_BYTES;
  return { length, words, lastWord: bytes.readInt32LE(lastAt), lastAt };
}

/** Returns whether a literal is at an offset. */
export function matchesAt(text: DataView, at: number, { words, lastWord, lastAt }: Literal): boolean {
  for (let index = 0; index < words.length; index += 1)
    if (text.getInt32(at + index * WORD_BYTES, true) !== words[index]) return false;
  return text.getInt32(at + lastAt, true) === lastWord;
}

/** Skips spaces; returns the offset after them. */
export function skipSpace(text: DataView, at: number): number {
  for (;;) {
    const byte = text.getUint8(at);
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at += 1;
  }
}

/** Skips a string with its quotes. */
export function skipText(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE) return NO_MATCH_OFFSET;
  at += 1;
  for (;;) {
    at = skipPlain(text, at);
    if (text.getUint8(at) === QUOTE) return at + 1;
    if (text.getUint8(at) !== BACKSLASH) return NO_MATCH_OFFSET;
    const letter = text.getUint8(at + 1);
    if (ESCAPED[letter] === 1) at += 2;
    else if (letter === LOWER_U && isHex(text, at + 2)) at += 6;
    else return NO_MATCH_OFFSET;
  }
}

/** Skips a value. Only strings are validated. */
export function skipAnyValue(text: DataView, at: number): number {
  const first = text.getUint8(at);
  if (first === QUOTE) return skipText(text, at);
  return first === OPEN_BRACE || first === OPEN_BRACKET ? skipContainer(text, at) : skipWord(text, at);
}

/** Skips an object or an array, however deep. */
function skipContainer(text: DataView, at: number): number {
  let depth = 0;
  for (;;) {
    const byte = text.getUint8(at);
    if (byte === QUOTE) {
      at = skipText(text, at);
      if (at === NO_MATCH_OFFSET) return at;
      continue;
    }
    // After the end of the text.
    if (byte === 0) return NO_MATCH_OFFSET;
    at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth === 0) return at;
  }
}

/** Skips a number, a boolean or a null. */
function skipWord(text: DataView, from: number): number {
  let at = from;
  for (;;) {
    const byte = text.getUint8(at);
    if (byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) break;
    at += 1;
  }
  return at === from ? NO_MATCH_OFFSET : at;
}

/** Skips the bytes of a string that stand for themselves. */
function skipPlain(text: DataView, at: number): number {
  for (;;) {
    at = skipWords(text, at);
    const end = at + WORD_BYTES;
    while (at < end && PLAIN[text.getUint8(at)] === 1) at += 1;
    if (at < end) return at;
  }
}

/**
 * Skips whole words without a control character, space, `!`, quote or backslash; a conservative test, of four bytes at
 * once by bit arithmetic.
 */
function skipWords(text: DataView, at: number): number {
  while (isPlainWord(text.getInt32(at, true))) at += WORD_BYTES;
  return at;
}

/** Returns whether no byte of a word is below 0x23 or a backslash. */
function isPlainWord(word: number): boolean {
  const backslash = word ^ 0x5c5c5c5c;
  const small = (word - 0x23232323) & ~word;
  return ((small | ((backslash - 0x01010101) & ~backslash)) & -0x7f7f7f80) === 0;
}

function isHex(text: DataView, at: number): boolean {
  for (let end = at + 4; at < end; at += 1) if (HEX_DIGITS[text.getUint8(at)] !== 1) return false;
  return true;
}
