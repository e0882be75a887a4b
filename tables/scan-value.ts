import type { LeafType } from '../model/attempt.ts';

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

/** The letters that a backslash may stand before; `u` is left to the check. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;

/** The bytes that a text has between its quotes but for escapes. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = 0;
PLAIN[BACKSLASH] = 0;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** Days of each month, from January; a 29 February is left to the check. */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Passes through a JSON text byte by byte, and accepts each type's common forms. */
export class ValueScan {
  bytes: Uint8Array = new Uint8Array();
  /** The place of the next byte. */
  at = 0;

  /** The byte after any space, which stays next; -1 at the end. */
  next(): number {
    const bytes = this.bytes;
    for (; this.at < bytes.length; this.at += 1) {
      const byte = bytes[this.at] ?? -1;
      if (byte > SPACE) return byte;
      if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
    }
    return -1;
  }

  /** Whether these bytes stand there. */
  is(text: Uint8Array, from: number): boolean {
    const bytes = this.bytes;
    for (let at = 0; at < text.length; at += 1) if (bytes[from + at] !== text[at]) return false;
    return true;
  }

  /** Passes a value of a type in one of its common forms, which begins with the byte that is next. */
  leaf(type: LeafType | undefined, byte: number): boolean {
    if (type === 'text') return byte === QUOTE && this.#text();
    if (type === 'boolean') return this.#boolean(byte);
    if (type === 'integer') return this.#integer(byte);
    if (type === 'epoch') return byte === QUOTE && this.#epoch();
    return byte === QUOTE && this.#timestamp();
  }

  /** Passes these bytes, where they are next. */
  word(word: Uint8Array): boolean {
    if (!this.is(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  #text(): boolean {
    const bytes = this.bytes;
    for (let at = this.at + 1; ; at += 2) {
      while (at < bytes.length && PLAIN[bytes[at] ?? 0] === 1) at += 1;
      if (bytes[at] === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (bytes[at] !== BACKSLASH || ESCAPED[bytes[at + 1] ?? 0] !== 1) return false;
    }
  }

  #boolean(byte: number): boolean {
    const quotes = byte === QUOTE ? 1 : 0;
    this.at += quotes;
    if (!this.word(TRUE) && !this.word(FALSE)) return false;
    if (quotes === 1 && this.bytes[this.at] !== QUOTE) return false;
    this.at += quotes;
    return true;
  }

  /** A whole number of at most nine digits, or its text, which may have zeros after a point. */
  #integer(byte: number): boolean {
    const isQuoted = byte === QUOTE;
    if (isQuoted) this.at += 1;
    if (this.bytes[this.at] === MINUS) this.at += 1;
    const from = this.at;
    const digits = this.#digits();
    if (digits === 0 || digits > 9) return false;
    if (!isQuoted) return (digits === 1 || this.bytes[from] !== ZERO) && this.#endsNumber();
    if (this.bytes[this.at] === POINT) {
      this.at += 1;
      const zeros = this.at;
      while (this.bytes[this.at] === ZERO) this.at += 1;
      if (this.at === zeros || this.at > zeros + 20) return false;
    }
    return this.#quote();
  }

  /** A number goes on with a fraction or an exponent where it is none of the common ones. */
  #endsNumber(): boolean {
    const byte = this.bytes[this.at] ?? SPACE;
    return byte === COMMA || byte === CLOSE_BRACE || byte <= SPACE;
  }

  /** Seconds since 1970 as a text of digits, with decimals or without. */
  #epoch(): boolean {
    this.at += 1;
    const digits = this.#digits();
    if (digits === 0 || digits > 11) return false;
    if (this.bytes[this.at] === POINT) {
      this.at += 1;
      const decimals = this.#digits();
      if (decimals === 0 || decimals > 9) return false;
    }
    return this.#quote();
  }

  /** A time in UTC, as 2018-01-31T12:00:00.000Z. */
  #timestamp(): boolean {
    const from = this.at + 1;
    const bytes = this.bytes;
    const isPunctuated =
      bytes[from + 4] === MINUS &&
      bytes[from + 7] === MINUS &&
      bytes[from + 10] === T &&
      bytes[from + 13] === COLON &&
      bytes[from + 16] === COLON;
    if (!isPunctuated) return false;
    const year = this.#two(from) * 100 + this.#two(from + 2);
    const month = this.#two(from + 5);
    const day = this.#two(from + 8);
    // Of what is no digit `two` makes NaN, which is in no range.
    if (!(year > 0 && day > 0 && day <= (DAYS[month - 1] ?? 0))) return false;
    if (!(this.#two(from + 11) < 24 && this.#two(from + 14) < 60 && this.#two(from + 17) < 60)) return false;
    this.at = from + 19;
    if (bytes[this.at] === POINT) {
      this.at += 1;
      const decimals = this.#digits();
      if (decimals === 0 || decimals > 6) return false;
    }
    if (bytes[this.at] !== Z) return false;
    this.at += 1;
    return this.#quote();
  }

  /** The number of two digits; NaN where there are none. */
  #two(from: number): number {
    const tens = this.bytes[from] ?? 0;
    const ones = this.bytes[from + 1] ?? 0;
    return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : NaN;
  }

  /** Passes digits; answers how many. */
  #digits(): number {
    const from = this.at;
    while (isDigit(this.bytes[this.at] ?? 0)) this.at += 1;
    return this.at - from;
  }

  #quote(): boolean {
    if (this.bytes[this.at] !== QUOTE) return false;
    this.at += 1;
    return true;
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
