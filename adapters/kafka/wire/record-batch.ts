import { crc32c } from '@node-rs/crc32';

/** A message to encode. */
export interface BatchRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The output of {@link encodeHeaders}. */
  readonly headers: Buffer;
}

/** Producer id, epoch and base sequence of a batch. */
export interface BatchProducer {
  readonly id: bigint;
  readonly epoch: number;
  readonly firstSequence: number;
}

/** A header to encode. */
export type Header = readonly [name: string, value: string | Buffer];

/** The size of a batch's header, and the offsets of its fields. */
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
/** Bits of a batch's `attributes`. */
export const ATTRIBUTES = { codec: 7, appendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 } as const;

/** The maximum size of a record without key, value and headers: attributes and varints. */
const MAX_RECORD_OVERHEAD_BYTES = 32;
const INITIAL_CAPACITY = 1 << 16;

/**
 * Encodes an uncompressed, transactional record batch (message format 2) into one reused buffer.
 * Format: https://kafka.apache.org/documentation/#recordbatch; integers are big-endian.
 *
 * | Batch                  | Type    | Bytes | At |                                               |
 * | ---------------------- | ------- | ----: | -: | --------------------------------------------- |
 * | base_offset            | INT64   |     8 |  0 | 0: the broker assigns it                      |
 * | batch_length           | INT32   |     4 |  8 | the bytes after this field                    |
 * | partition_leader_epoch | INT32   |     4 | 12 | the broker sets it                            |
 * | magic                  | INT8    |     1 | 16 | 2                                             |
 * | crc                    | UINT32  |     4 | 17 | CRC-32C of the bytes from `attributes` on     |
 * | attributes             | INT16   |     2 | 21 | see {@link ATTRIBUTES}                        |
 * | last_offset_delta      | INT32   |     4 | 23 |                                               |
 * | base_timestamp         | INT64   |     8 | 27 | ms since 1970                                 |
 * | max_timestamp          | INT64   |     8 | 35 | ms since 1970                                 |
 * | producer_id            | INT64   |     8 | 43 |                                               |
 * | producer_epoch         | INT16   |     2 | 51 |                                               |
 * | base_sequence          | INT32   |     4 | 53 |                                               |
 * | records_count          | INT32   |     4 | 57 |                                               |
 * | records                | records |     n | 61 | compressed together if `attributes` has a codec |
 *
 * | Record          | Type    | Bytes |                                    |
 * | --------------- | ------- | ----: | ---------------------------------- |
 * | length          | VARINT  |  1..5 | the bytes after this field         |
 * | attributes      | INT8    |     1 | 0                                  |
 * | timestamp_delta | VARLONG | 1..10 | to base_timestamp, in ms           |
 * | offset_delta    | VARINT  |  1..5 | to base_offset                     |
 * | key_length      | VARINT  |  1..5 | -1: null                           |
 * | key             | bytes   |     n |                                    |
 * | value_length    | VARINT  |  1..5 | -1: null                           |
 * | value           | bytes   |     n |                                    |
 * | headers         |         |     n | see headers.ts                     |
 */
export class RecordBatch {
  records = 0;
  #buffer = Buffer.allocUnsafe(INITIAL_CAPACITY);
  #end = HEADER_BYTES;

  /** The size of the encoded batch so far, in bytes. */
  get bytes(): number {
    return this.#end;
  }

  /** Adds a record. */
  add({ key, value, headers }: BatchRecord): void {
    const keyBytes = key?.length ?? 0;
    const valueBytes = value?.length ?? 0;
    const body = 2 + sizeOfVarint(this.records) + sizeOfBytes(key) + sizeOfBytes(value) + headers.length;
    this.#ensureCapacity(MAX_RECORD_OVERHEAD_BYTES + keyBytes + valueBytes + headers.length);
    let offset = writeVarint(this.#buffer, this.#end, body);
    this.#buffer[offset] = 0; // attributes
    this.#buffer[offset + 1] = 0; // timestamp_delta
    offset = writeVarint(this.#buffer, offset + 2, this.records);
    offset = writeBytes(this.#buffer, offset, key);
    offset = writeBytes(this.#buffer, offset, value);
    this.#end = offset + headers.copy(this.#buffer, offset);
    this.records += 1;
  }

  /** Writes the header and returns the batch, in the batch's own buffer. Call {@link clear} before adding records again. */
  seal({ id, epoch, firstSequence }: BatchProducer, timestampMs: number): Buffer {
    const buffer = this.#buffer;
    buffer.writeBigInt64BE(0n, 0);
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

  /** Removes all records; keeps the buffer. */
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

/** Encodes headers as in a record: their count, then names and values; see headers.ts. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const parts = headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const);
  const bytes = parts.flat().reduce((sum, part) => sum + sizeOfBytes(part), sizeOfVarint(headers.length));
  const encoded = Buffer.alloc(bytes);
  let offset = writeVarint(encoded, 0, headers.length);
  for (const part of parts.flat()) offset = writeBytes(encoded, offset, part);
  return encoded;
}

function sizeOfBytes(part: Buffer | null): number {
  return part === null ? 1 : sizeOfVarint(part.length) + part.length;
}

/** Writes length-prefixed bytes, or the length -1 for null; returns the end. */
function writeBytes(to: Buffer, offset: number, part: Buffer | null): number {
  if (part === null) return writeVarint(to, offset, -1);
  const from = writeVarint(to, offset, part.length);
  return from + part.copy(to, from);
}

/** Writes a zigzag varint, 7 bits a byte, least significant first; returns the end. */
function writeVarint(to: Buffer, offset: number, value: number): number {
  let rest = zigzag(value);
  for (; rest > 0x7f; rest >>>= 7) to[offset++] = (rest & 0x7f) | 0x80;
  to[offset] = rest;
  return offset + 1;
}

function sizeOfVarint(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
