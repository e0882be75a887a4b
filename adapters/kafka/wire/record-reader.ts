/** So many bits of a varint come with each byte, the lowest first. */
const BITS_PER_BYTE = 7;
/** So many bits can be gathered in a number that is shifted, and in all. */
const SMALL_BITS = 28;
const VARINT_BITS = 35;
const VARLONG_BITS = 70n;
/** Where there is no key or value. */
const ABSENT = -1;

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
  #position = 0;
  #keyFrom = ABSENT;
  #keyTo = 0;
  #valueFrom = ABSENT;
  #valueTo = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * Goes on to the next record.
   * @throws {RangeError} where the bytes are no record.
   */
  next(): void {
    this.from = this.#position;
    const length = this.readVarint();
    this.to = this.#position + length;
    this.#position += 1; // its attributes, of which there are none
    this.timestampDelta = this.#readVarlong();
    this.offsetDelta = this.readVarint();
    this.#keyFrom = this.#skipBytes();
    this.#keyTo = this.#position;
    this.#valueFrom = this.#skipBytes();
    this.#valueTo = this.#position;
    if (this.#position > this.to || this.to > this.#bytes.length)
      throw new RangeError('a record is longer than it says');
    this.#position = this.to;
  }

  get key(): Buffer | null {
    return this.#keyFrom === ABSENT ? null : this.#bytes.subarray(this.#keyFrom, this.#keyTo);
  }

  get value(): Buffer | null {
    return this.#valueFrom === ABSENT ? null : this.#bytes.subarray(this.#valueFrom, this.#valueTo);
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
    return this.#position;
  }

  /**
   * A length and so many bytes; null for the length -1.
   * @throws {RangeError} where there are fewer.
   */
  readBytes(): Buffer | null {
    const from = this.#skipBytes();
    if (this.#position > this.#bytes.length) throw new RangeError('a record ends too early');
    return from === ABSENT ? null : this.#bytes.subarray(from, this.#position);
  }

  /** A varint of 32 bits. */
  readVarint(): number {
    let bits = 0;
    for (let at = 0; at < VARINT_BITS; at += BITS_PER_BYTE) {
      const byte = this.#readByte();
      bits |= (byte & 0x7f) << at;
      if (byte <= 0x7f) return fromZigzag(bits);
    }
    throw new RangeError('a number of a record has no end');
  }

  /** Passes a length and so many bytes; answers where these begin. */
  #skipBytes(): number {
    const length = this.readVarint();
    if (length === -1) return ABSENT;
    if (length < 0) throw new RangeError('a length of a record is negative');
    const from = this.#position;
    this.#position += length;
    return from;
  }

  /** A varint of 64 bits. */
  #readVarlong(): bigint {
    let small = 0;
    for (let at = 0; at < SMALL_BITS; at += BITS_PER_BYTE) {
      const byte = this.#readByte();
      small |= (byte & 0x7f) << at;
      if (byte <= 0x7f) return BigInt(fromZigzag(small));
    }
    let bits = BigInt(small);
    for (let at = BigInt(SMALL_BITS); at < VARLONG_BITS; at += BigInt(BITS_PER_BYTE)) {
      const byte = this.#readByte();
      bits |= BigInt(byte & 0x7f) << at;
      if (byte <= 0x7f) return (bits >> 1n) ^ -(bits & 1n);
    }
    throw new RangeError('a number of a record has no end');
  }

  #readByte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new RangeError('a record ends too early');
    this.#position += 1;
    return byte;
  }
}

function fromZigzag(bits: number): number {
  return (bits >>> 1) ^ -(bits & 1);
}
