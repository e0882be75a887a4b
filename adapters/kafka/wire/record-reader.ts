/** Bits of a varint per byte, least significant first. */
const BITS_PER_BYTE = 7;
/** Limits for shifting in 32-bit integers, and for varints of 32 and 64 bits. */
const SMALL_BITS = 28;
const VARINT_BITS = 35;
const VARLONG_BITS = 70n;
/** The start of a null key or value. */
const ABSENT = -1;

/**
 * Decodes the records of a batch, one after the other, without an object per record. See record-batch.ts for the format.
 * Offsets and timestamps are deltas to the batch's; key, value and headers are views on its memory.
 */
export class RecordReader {
  /** Start and end of the current record. */
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
   * Moves to the next record.
   * @throws {RangeError} if the bytes are not a valid record.
   */
  next(): void {
    this.from = this.#position;
    const length = this.readVarint();
    this.to = this.#position + length;
    this.#position += 1; // attributes
    this.timestampDelta = this.#readVarlong();
    this.offsetDelta = this.readVarint();
    this.#keyFrom = this.#skipBytes();
    this.#keyTo = this.#position;
    this.#valueFrom = this.#skipBytes();
    this.#valueTo = this.#position;
    if (this.#position > this.to || this.to > this.#bytes.length)
      throw new RangeError('a record is shorter than its fields');
    this.#position = this.to;
  }

  get key(): Buffer | null {
    return this.#keyFrom === ABSENT ? null : this.#bytes.subarray(this.#keyFrom, this.#keyTo);
  }

  get value(): Buffer | null {
    return this.#valueFrom === ABSENT ? null : this.#bytes.subarray(this.#valueFrom, this.#valueTo);
  }

  /** The encoded headers, count included; see `decodeHeaders`. */
  get headers(): Buffer {
    return this.#bytes.subarray(this.#valueTo, this.to);
  }

  /** Whether the encoded headers equal those of another record. */
  hasHeaders(headers: Buffer): boolean {
    const { length } = headers;
    if (length !== this.to - this.#valueTo) return false;
    // A loop: headers are short, and Buffer.equals is a call into C++.
    for (let at = 0; at < length; at += 1) if (headers[at] !== this.#bytes[this.#valueTo + at]) return false;
    return true;
  }

  /** The offset of the next byte to read. */
  get position(): number {
    return this.#position;
  }

  /**
   * Reads length-prefixed bytes; null for the length -1.
   * @throws {RangeError} if there are fewer.
   */
  readBytes(): Buffer | null {
    const from = this.#skipBytes();
    if (this.#position > this.#bytes.length) throw new RangeError('a record ends too early');
    return from === ABSENT ? null : this.#bytes.subarray(from, this.#position);
  }

  /** Reads a zigzag varint of 32 bits. */
  readVarint(): number {
    let bits = 0;
    for (let shift = 0; shift < VARINT_BITS; shift += BITS_PER_BYTE) {
      const byte = this.#readByte();
      bits |= (byte & 0x7f) << shift;
      if (byte <= 0x7f) return fromZigzag(bits);
    }
    throw new RangeError('a varint of a record is too long');
  }

  /** Skips length-prefixed bytes; returns their start. */
  #skipBytes(): number {
    const length = this.readVarint();
    if (length === -1) return ABSENT;
    if (length < 0) throw new RangeError('a length of a record is negative');
    const from = this.#position;
    this.#position += length;
    return from;
  }

  /** Reads a zigzag varint of 64 bits. */
  #readVarlong(): bigint {
    let small = 0;
    for (let shift = 0; shift < SMALL_BITS; shift += BITS_PER_BYTE) {
      const byte = this.#readByte();
      small |= (byte & 0x7f) << shift;
      if (byte <= 0x7f) return BigInt(fromZigzag(small));
    }
    let bits = BigInt(small);
    for (let shift = BigInt(SMALL_BITS); shift < VARLONG_BITS; shift += BigInt(BITS_PER_BYTE)) {
      const byte = this.#readByte();
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte <= 0x7f) return (bits >> 1n) ^ -(bits & 1n);
    }
    throw new RangeError('a varint of a record is too long');
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
