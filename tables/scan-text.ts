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
  readonly words: Int32Array;
  /** Which bits of each word count: all but those of a last one that is not full. */
  readonly masks: Int32Array;
}

/** A text to look for, of fewer than 64 bytes. */
export function wanted(text: string): Wanted {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  if (length >= ROOM_BYTES) throw new RangeError(`${text} is too long for a scan`);
  const words = new Int32Array(Math.ceil(length / WORD_BYTES));
  const masks = new Int32Array(words.length);
  new Uint8Array(words.buffer).set(bytes);
  new Uint8Array(masks.buffer).fill(0xff, 0, length);
  return { length, words, masks };
}

/** Whether a text stands there. */
export function isAt(text: DataView, at: number, { words, masks }: Wanted): boolean {
  for (let place = 0; place < words.length; place += 1) {
    const word = text.getInt32(at + place * WORD_BYTES, true) & (masks[place] ?? 0);
    if (word !== words[place]) return false;
  }
  return true;
}

/**
 * Where a run of bytes ends that stand for themselves in a JSON text, as far as whole words of them go: of each word no
 * byte is a control, a space, `!`, a quote or a backslash. The bits of a byte are looked at as numbers, four at once.
 */
export function passWords(text: DataView, at: number): number {
  for (;;) {
    const word = text.getInt32(at, true);
    const backslash = word ^ 0x5c5c5c5c;
    const small = (word - 0x23232323) & ~word;
    if (((small | ((backslash - 0x01010101) & ~backslash)) & -0x7f7f7f80) !== 0) return at;
    at += WORD_BYTES;
  }
}
