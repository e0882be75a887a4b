/** A record as a batch holds it: its numbers are those from the batch's first ones on. */
export interface BatchedRecord {
  /** In milliseconds. */
  readonly timestampDelta: bigint;
  readonly offsetDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Its headers, as they stand there. */
  readonly headers: Buffer;
}

/** So many bits of a varint come with each byte, the lowest first. */
const BITS = 7;
/** So many bits can be gathered in a number that is shifted, and in all. */
const SMALL_BITS = 28;
const NUMBER_BITS = 35;
const LONG_BITS = 70n;

/** Reads the records of a batch, one after the other. What it answers shares its memory. */
export class RecordReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws {RangeError} where the bytes are no record. */
  next(): BatchedRecord {
    const length = this.number();
    const end = this.#at + length;
    this.#at += 1; // its attributes, of which there are none
    const timestampDelta = this.#long();
    const offsetDelta = this.number();
    const key = this.part();
    const value = this.part();
    if (this.#at > end || end > this.#bytes.length) throw new RangeError('a record is longer than it says');
    const headers = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { timestampDelta, offsetDelta, key, value, headers };
  }

  /** A length and so many bytes; null for the length -1. */
  part(): Buffer | null {
    const length = this.number();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A varint of 32 bits. */
  number(): number {
    let bits = 0;
    for (let at = 0; at < NUMBER_BITS; at += BITS) {
      const byte = this.#byte();
      bits |= (byte & 0x7f) << at;
      if (byte <= 0x7f) return fromZigzag(bits);
    }
    throw new RangeError('a number of a record has no end');
  }

  /** A varint of 64 bits. */
  #long(): bigint {
    let small = 0;
    for (let at = 0; at < SMALL_BITS; at += BITS) {
      const byte = this.#byte();
      small |= (byte & 0x7f) << at;
      if (byte <= 0x7f) return BigInt(fromZigzag(small));
    }
    let bits = BigInt(small);
    for (let at = BigInt(SMALL_BITS); at < LONG_BITS; at += BigInt(BITS)) {
      const byte = this.#byte();
      bits |= BigInt(byte & 0x7f) << at;
      if (byte <= 0x7f) return (bits >> 1n) ^ -(bits & 1n);
    }
    throw new RangeError('a number of a record has no end');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('a record ends too early');
    this.#at += 1;
    return byte;
  }
}

function fromZigzag(bits: number): number {
  return (bits >>> 1) ^ -(bits & 1);
}
