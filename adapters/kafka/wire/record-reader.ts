/** So many bits of a varint come with each byte, the lowest first. */
const BITS = 7;
/** So many bits can be gathered in a number that is shifted, and in all. */
const SMALL_BITS = 28;
const NUMBER_BITS = 35;
const LONG_BITS = 70n;
/** Where there is no key or value. */
const NOWHERE = -1;

/**
 * Reads the records of a batch, one after the other, as the batch holds them: a record's numbers are those from the
 * batch's first ones on. What it answers of a record shares its memory, and is made when it is asked for.
 */
export class RecordReader {
  /** Where the record begins, and where what comes after it does. */
  from = 0;
  to = 0;
  offsetDelta = 0;
  /** In milliseconds. */
  timestampDelta = 0n;
  readonly #bytes: Buffer;
  #at = 0;
  #keyFrom = NOWHERE;
  #keyTo = 0;
  #valueFrom = NOWHERE;
  #valueTo = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * Goes on to the next record.
   * @throws {RangeError} where the bytes are no record.
   */
  next(): void {
    this.from = this.#at;
    const length = this.number();
    this.to = this.#at + length;
    this.#at += 1; // its attributes, of which there are none
    this.timestampDelta = this.#long();
    this.offsetDelta = this.number();
    this.#keyFrom = this.#passPart();
    this.#keyTo = this.#at;
    this.#valueFrom = this.#passPart();
    this.#valueTo = this.#at;
    if (this.#at > this.to || this.to > this.#bytes.length)
      throw new RangeError('a record is longer than it says');
    this.#at = this.to;
  }

  get key(): Buffer | null {
    return this.#keyFrom === NOWHERE ? null : this.#bytes.subarray(this.#keyFrom, this.#keyTo);
  }

  get value(): Buffer | null {
    return this.#valueFrom === NOWHERE ? null : this.#bytes.subarray(this.#valueFrom, this.#valueTo);
  }

  /** Its headers, as they stand there. */
  get headers(): Buffer {
    return this.#bytes.subarray(this.#valueTo, this.to);
  }

  /** Whether its headers are these, as they stand in another record. */
  hasHeaders(headers: Buffer): boolean {
    const { length } = headers;
    if (length !== this.to - this.#valueTo) return false;
    // They are short: to call what compares long ones takes longer.
    for (let at = 0; at < length; at += 1) if (headers[at] !== this.#bytes[this.#valueTo + at]) return false;
    return true;
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.#at;
  }

  /**
   * A length and so many bytes; null for the length -1.
   * @throws {RangeError} where there are fewer.
   */
  part(): Buffer | null {
    const from = this.#passPart();
    if (this.#at > this.#bytes.length) throw new RangeError('a record ends too early');
    return from === NOWHERE ? null : this.#bytes.subarray(from, this.#at);
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

  /** Passes a length and so many bytes; answers where these begin. */
  #passPart(): number {
    const length = this.number();
    if (length === -1) return NOWHERE;
    if (length < 0) throw new RangeError('a length of a record is negative');
    const from = this.#at;
    this.#at += length;
    return from;
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
