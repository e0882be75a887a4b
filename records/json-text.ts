/** What a pass answers when it does not accept what it finds; else it says where that ends. */
export const NO_MATCH = -1;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

/** The letters that a backslash may stand before, but for the `u` of four digits. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;

const HEX_DIGITS = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX_DIGITS[digit.charCodeAt(0)] = 1;

/** The bytes that a text has between its quotes but for escapes. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

/** So many zero bytes follow a text; none of them stands in JSON, so that a scan ends there. */
const ROOM_BYTES = 64;
/** What is looked at at once. */
const WORD_BYTES = 4;
const FIRST_BYTES = 1 << 14;

/**
 * Holds one text after another for scans: its bytes with zeros behind them, so that whole words of four bytes can be
 * looked at, wherever they begin, and no look ahead has to ask where the text ends.
 */
export class PaddedText {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);

  /** Takes a text in place of the one before. */
  load(text: Uint8Array): DataView {
    const needed = text.length + ROOM_BYTES;
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

/** Returns a text without the byte order mark that it may begin with, which is no part of its JSON (RFC 8259, 8.1). */
export function withoutMark(text: Buffer): Buffer {
  const { length } = BYTE_ORDER_MARK;
  return BYTE_ORDER_MARK.equals(text.subarray(0, length)) ? text.subarray(length) : text;
}

/** Some text that is looked for, in words of four bytes. */
export interface Literal {
  /** In bytes. */
  readonly length: number;
  /** All but the last one. */
  readonly words: Int32Array;
  /** The last four bytes, some of which the word before can have too; and where they begin. */
  readonly lastWord: number;
  readonly lastAt: number;
}

/** A text to look for, of 4 to 63 bytes. */
export function literalOf(text: string): Literal {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  if (length < WORD_BYTES || length >= ROOM_BYTES) throw new RangeError(`${text} is not of 4 to 63 bytes`);
  const words = Int32Array.from({ length: Math.ceil(length / WORD_BYTES) - 1 }, (_, place) =>
    bytes.readInt32LE(place * WORD_BYTES),
  );
  const lastAt = length - WORD_BYTES;
  return { length, words, lastWord: bytes.readInt32LE(lastAt), lastAt };
}

/** Whether a text stands there. */
export function matchesAt(text: DataView, at: number, { words, lastWord, lastAt }: Literal): boolean {
  for (let place = 0; place < words.length; place += 1)
    if (text.getInt32(at + place * WORD_BYTES, true) !== words[place]) return false;
  return text.getInt32(at + lastAt, true) === lastWord;
}

/** Passes any space. */
export function skipSpace(text: DataView, at: number): number {
  for (;;) {
    const byte = text.getUint8(at);
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return at;
    at += 1;
  }
}

/** Passes a text with its quotes. */
export function skipText(text: DataView, at: number): number {
  if (text.getUint8(at) !== QUOTE) return NO_MATCH;
  at += 1;
  for (;;) {
    at = passPlain(text, at);
    if (text.getUint8(at) === QUOTE) return at + 1;
    if (text.getUint8(at) !== BACKSLASH) return NO_MATCH;
    const letter = text.getUint8(at + 1);
    if (ESCAPED[letter] === 1) at += 2;
    else if (letter === LOWER_U && isHex(text, at + 2)) at += 6;
    else return NO_MATCH;
  }
}

/** Passes the bytes of a text that stand for themselves. */
function passPlain(text: DataView, at: number): number {
  for (;;) {
    at = passWords(text, at);
    const end = at + WORD_BYTES;
    while (at < end && PLAIN[text.getUint8(at)] === 1) at += 1;
    if (at < end) return at;
  }
}

/**
 * Where a run of bytes ends that stand for themselves in a JSON text, as far as whole words of them go: of each word no
 * byte is a control, a space, `!`, a quote or a backslash. The bits of a byte are looked at as numbers, four at once.
 */
function passWords(text: DataView, at: number): number {
  while (isPlainWord(text.getInt32(at, true))) at += WORD_BYTES;
  return at;
}

/** Whether each byte of a word is so. */
function isPlainWord(word: number): boolean {
  const backslash = word ^ 0x5c5c5c5c;
  const small = (word - 0x23232323) & ~word;
  return ((small | ((backslash - 0x01010101) & ~backslash)) & -0x7f7f7f80) === 0;
}

function isHex(text: DataView, at: number): boolean {
  for (let end = at + 4; at < end; at += 1) if (HEX_DIGITS[text.getUint8(at)] !== 1) return false;
  return true;
}
