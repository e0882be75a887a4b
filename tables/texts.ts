import { ScanText, WORD_BYTES } from './scan-text.ts';

const FIRST_BYTES = 1 << 12;
const FIRST_TEXTS = 1 << 8;
/** So many bytes follow the last text, so that its last word can be looked at whole. */
const ROOM_BYTES = WORD_BYTES;
const ZERO = 0;

/** The different texts of a column, numbered from 0 as they first come, as UTF-8. */
export class Texts {
  /** How many there are. */
  size = 0;
  /** Whether one of them has the character U+0000, which not everything that takes texts can hold. */
  hasZero = false;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** Where each ends; the one after begins there. */
  #ends = new Int32Array(FIRST_TEXTS);
  #hashes = new Int32Array(FIRST_TEXTS);
  /** Of each place the number of the text that stands there, and 1; 0 where there is none. At most half are taken. */
  #places = new Int32Array(2 * FIRST_TEXTS);
  readonly #single = new ScanText();

  /**
   * The number of the text that stands there.
   * @param text As {@link ScanText} holds it.
   * @param hash What {@link hashOf} makes of it.
   */
  numberAt(text: DataView, from: number, to: number, hash = hashOf(text, from, to)): number {
    const mask = this.#places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const number = (this.#places[place] ?? 0) - 1;
      if (number < 0) return this.#add(text, from, to, hash);
      if (this.#hashes[number] === hash && this.#isSame(number, text, from, to)) return number;
    }
  }

  /** The number of a text. */
  numberOf(bytes: Uint8Array): number {
    if (bytes.includes(ZERO)) this.hasZero = true;
    return this.numberAt(this.#single.take(bytes), 0, bytes.length);
  }

  /** The text of a number. */
  bytesOf(number: number): Uint8Array {
    return this.#bytes.subarray(this.#startOf(number), this.#ends[number]);
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  #isSame(number: number, text: DataView, from: number, to: number): boolean {
    let own = this.#startOf(number);
    if ((this.#ends[number] ?? 0) - own !== to - from) return false;
    let at = from;
    for (; at + WORD_BYTES <= to; at += WORD_BYTES) {
      if (text.getInt32(at, true) !== this.#view.getInt32(own, true)) return false;
      own += WORD_BYTES;
    }
    return ((text.getInt32(at, true) ^ this.#view.getInt32(own, true)) & maskOf(to - at)) === 0;
  }

  #add(text: DataView, from: number, to: number, hash: number): number {
    const number = this.size;
    const start = this.#startOf(number);
    const end = start + to - from;
    if (end + ROOM_BYTES > this.#bytes.length) {
      this.#bytes = enlarged(this.#bytes, new Uint8Array(2 ** Math.ceil(Math.log2(end + ROOM_BYTES))));
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#bytes.set(new Uint8Array(text.buffer, text.byteOffset + from, to - from), start);
    if (number === this.#ends.length) {
      this.#ends = enlarged(this.#ends, new Int32Array(2 * number));
      this.#hashes = enlarged(this.#hashes, new Int32Array(2 * number));
      this.#places = new Int32Array(4 * number);
      for (let other = 0; other < number; other += 1) this.#place(other);
    }
    this.#ends[number] = end;
    this.#hashes[number] = hash;
    this.#place(number);
    this.size += 1;
    return number;
  }

  #place(number: number): void {
    const mask = this.#places.length - 1;
    let place = (this.#hashes[number] ?? 0) & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#places[place] = number + 1;
  }
}

/** Puts what was there into an array that has more room. */
export function enlarged<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** A number that texts which are the same share, and others hardly ever. */
function hashOf(text: DataView, from: number, to: number): number {
  let hash = 0;
  let at = from;
  for (; at + WORD_BYTES <= to; at += WORD_BYTES) hash = mixed(hash, text.getInt32(at, true));
  return endOfHash(hash, text, at, to);
}

/** The hash so far and one more word. */
export function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** The hash of a text, of which the words up to here are mixed. */
export function endOfHash(hash: number, text: DataView, at: number, to: number): number {
  return mixed(hash, text.getInt32(at, true) & maskOf(to - at)) + to - at;
}

/** The bits of a word that its first bytes have, fewer than four. */
function maskOf(bytes: number): number {
  return (1 << (8 * bytes)) - 1;
}
