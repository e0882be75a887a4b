/** So many zero bytes follow a text; none of them stands in JSON, so that a scan ends there. */
const ROOM_BYTES = 64;
/** What is looked at at once. */
export const WORD_BYTES = 4;
const FIRST_BYTES = 1 << 14;

/**
 * Holds one text after another for scans: its bytes with zeros behind them, so that whole words of four bytes can be
 * looked at, wherever they begin, and no look ahead has to ask where the text ends.
 */
export class ScanText {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);

  /** Takes a text in place of the one before. */
  take(text: Uint8Array): DataView {
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

/** Some text that is looked for, in words of four bytes. */
export interface Wanted {
  /** In bytes. */
  readonly length: number;
  /** All but the last one. */
  readonly words: Int32Array;
  /** The last four bytes, some of which the word before can have too; and where they begin. */
  readonly lastWord: number;
  readonly lastAt: number;
}

/** A text to look for, of 4 to 63 bytes. */
export function wanted(text: string): Wanted {
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
export function isAt(text: DataView, at: number, { words, lastWord, lastAt }: Wanted): boolean {
  for (let place = 0; place < words.length; place += 1)
    if (text.getInt32(at + place * WORD_BYTES, true) !== words[place]) return false;
  return text.getInt32(at + lastAt, true) === lastWord;
}

/**
 * Where a run of bytes ends that stand for themselves in a JSON text, as far as whole words of them go: of each word no
 * byte is a control, a space, `!`, a quote or a backslash. The bits of a byte are looked at as numbers, four at once.
 */
export function passWords(text: DataView, at: number): number {
  while (isPlainWord(text.getInt32(at, true))) at += WORD_BYTES;
  return at;
}

/** Whether each byte of a word is so. */
export function isPlainWord(word: number): boolean {
  const backslash = word ^ 0x5c5c5c5c;
  const small = (word - 0x23232323) & ~word;
  return ((small | ((backslash - 0x01010101) & ~backslash)) & -0x7f7f7f80) === 0;
}
