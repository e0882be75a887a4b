import { crc32c } from '@node-rs/crc32';

/** A message as it is written into a batch. */
export interface BatchRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Its headers as {@link encodeHeaders} writes them. */
  readonly headers: Buffer;
}

/** Which producer sends a batch, and after how many messages of it to the same partition. */
export interface BatchProducer {
  readonly id: bigint;
  readonly epoch: number;
  readonly firstSequence: number;
}

/** What a header's name and value are. */
export type Header = readonly [name: string, value: string | Buffer];

/** The bytes of a batch before its records, and where its parts stand there. */
export const HEADER_BYTES = 61;
export const HEADER_OFFSETS = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  firstSequence: 53,
  records: 57,
} as const;
export const MAGIC = 2;
/** What the bits of its attributes say. */
export const ATTRIBUTES = { codec: 7, appendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 } as const;

/** What a record takes at most besides its key, value and headers: its length, attributes, deltas and their lengths. */
const MAX_RECORD_OVERHEAD_BYTES = 32;
const INITIAL_CAPACITY = 1 << 16;

/**
 * A batch of records in Kafka's format (message format 2), uncompressed, of a transaction. The client has an encoder
 * of its own, which copies each record four times and takes a third of the whole publishing.
 * Format: kafka.apache.org/documentation/#messageformat
 */
export class RecordBatch {
  records = 0;
  #buffer = Buffer.allocUnsafe(INITIAL_CAPACITY);
  #end = HEADER_BYTES;

  /** The bytes so far. */
  get bytes(): number {
    return this.#end;
  }

  /** Adds a record. */
  add({ key, value, headers }: BatchRecord): void {
    const keyBytes = key?.length ?? 0;
    const valueBytes = value?.length ?? 0;
    const body = 2 + sizeOfVarint(this.records) + sizeOfBytes(key) + sizeOfBytes(value) + headers.length;
    this.#ensureCapacity(MAX_RECORD_OVERHEAD_BYTES + keyBytes + valueBytes + headers.length);
    let at = writeVarint(this.#buffer, this.#end, body);
    this.#buffer[at] = 0; // no attributes
    this.#buffer[at + 1] = 0; // the first record's timestamp
    at = writeVarint(this.#buffer, at + 2, this.records);
    at = writeBytes(this.#buffer, at, key);
    at = writeBytes(this.#buffer, at, value);
    this.#end = at + headers.copy(this.#buffer, at);
    this.records += 1;
  }

  /** The batch as it is sent, in memory of the batch; until that is cleared nothing may be added. */
  seal({ id, epoch, firstSequence }: BatchProducer, timestampMs: number): Buffer {
    const buffer = this.#buffer;
    buffer.writeBigInt64BE(0n, 0); // the broker gives the offset
    buffer.writeInt32BE(this.#end - HEADER_OFFSETS.leaderEpoch, HEADER_OFFSETS.length);
    buffer.writeInt32BE(0, HEADER_OFFSETS.leaderEpoch);
    buffer.writeInt8(MAGIC, HEADER_OFFSETS.magic);
    buffer.writeInt16BE(ATTRIBUTES.transactional, HEADER_OFFSETS.attributes);
    buffer.writeInt32BE(this.records - 1, HEADER_OFFSETS.lastOffsetDelta);
    buffer.writeBigInt64BE(BigInt(timestampMs), HEADER_OFFSETS.firstTimestamp);
    buffer.writeBigInt64BE(BigInt(timestampMs), HEADER_OFFSETS.maxTimestamp);
    buffer.writeBigInt64BE(id, HEADER_OFFSETS.producerId);
    buffer.writeInt16BE(epoch, HEADER_OFFSETS.producerEpoch);
    buffer.writeInt32BE(firstSequence, HEADER_OFFSETS.firstSequence);
    buffer.writeInt32BE(this.records, HEADER_OFFSETS.records);
    buffer.writeUInt32BE(crc32c(buffer.subarray(HEADER_OFFSETS.attributes, this.#end)), HEADER_OFFSETS.crc);
    return buffer.subarray(0, this.#end);
  }

  /** Empties it, so that another can be filled in the same memory. */
  clear(): void {
    this.records = 0;
    this.#end = HEADER_BYTES;
  }

  #ensureCapacity(bytes: number): void {
    const wanted = this.#end + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

/** Headers as a record holds them: how many, then each one's name and value. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const parts = headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const);
  const bytes = parts.flat().reduce((sum, part) => sum + sizeOfBytes(part), sizeOfVarint(headers.length));
  const encoded = Buffer.alloc(bytes);
  let at = writeVarint(encoded, 0, headers.length);
  for (const part of parts.flat()) at = writeBytes(encoded, at, part);
  return encoded;
}

function sizeOfBytes(part: Buffer | null): number {
  return part === null ? 1 : sizeOfVarint(part.length) + part.length;
}

/** Writes a length and so many bytes; the length -1 for none. */
function writeBytes(to: Buffer, at: number, part: Buffer | null): number {
  if (part === null) return writeVarint(to, at, -1);
  const from = writeVarint(to, at, part.length);
  return from + part.copy(to, from);
}

/** Kafka's varint: zigzag, then seven bits a byte, the lowest first. */
function writeVarint(to: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  for (; rest > 0x7f; rest >>>= 7) to[at++] = (rest & 0x7f) | 0x80;
  to[at] = rest;
  return at + 1;
}

function sizeOfVarint(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
