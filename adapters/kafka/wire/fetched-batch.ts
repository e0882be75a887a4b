import { crc32, crc32c } from '@node-rs/crc32';
import { PipelineError, messageOf, type ErrorCode } from '../../../model/errors.ts';
import { codecOf, maxDecodedBytesOf, type CodecName } from './compression.ts';
import { HEADER_OFFSETS, ATTRIBUTES, HEADER_BYTES, MAGIC } from './record-batch.ts';
import { RecordReader } from './record-reader.ts';
import type { LengthPrefix } from '../../../lib/length-prefixed.ts';

/** A message of a topic. Its buffers share the memory of the Fetch response. */
export interface KafkaMessage {
  readonly offset: bigint;
  /** Milliseconds since 1970: the producer's CreateTime or the broker's LogAppendTime. */
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  /** The encoded headers; see `decodeHeaders`. */
  readonly headers: Buffer;
  readonly value: Buffer | null;
}

/** Codecs by their number in a batch's attributes; 0 is uncompressed. */
const CODECS: readonly (CodecName | undefined)[] = [undefined, 'gzip', 'snappy', 'lz4', 'zstd'];

/** The type in the key of a control record: 0 is an abort, 1 is a commit. */
const ABORT = 0;

/** The key of a control record is a version (INT16, 2 bytes) and a type (INT16, 2 bytes); later versions can be longer. */
const CONTROL_KEY_BYTES = 4;

/** Offsets of fields in message formats 0 and 1; the CRC-32 covers the bytes from `magic` on. */
const LEGACY_OFFSETS = { crc: 12, attributes: 17 } as const;

const NO_PRODUCER = -1n;

/** Consecutive records of a batch. */
interface RecordSlice {
  /** Start and end among the bytes of all records. */
  readonly start: number;
  readonly end: number;
  readonly lastDelta: number;
  readonly records: number;
}

/** The offset from which `batch_length` counts. */
const LENGTH_BASE = HEADER_OFFSETS.leaderEpoch;

/** The framing of consecutive batches in a file or a Fetch response. */
export const BATCHES: LengthPrefix = {
  lengthAt: HEADER_OFFSETS.length,
  lengthFrom: LENGTH_BASE,
  contentFrom: 0,
};

/**
 * A record batch from a Fetch response: its header is decoded, its records are decoded on demand. See record-batch.ts for
 * the format; messages of formats 0 and 1 are recognised by `magic` and only located.
 */
export class FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  /** The number of records; fewer than offsets if compaction removed some. */
  readonly records: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** Whether it is a control batch: a commit or abort marker, without messages. */
  readonly isControl: boolean;
  readonly bytes: Buffer;
  readonly #partition: string;
  /** The message format (`magic`): 2, or 0 or 1 before Kafka 0.11. */
  readonly #format: number;
  readonly #attributes: number;
  readonly #firstTimestamp: bigint = 0n;
  /** The broker's append time, if the topic has `message.timestamp.type` LogAppendTime. */
  readonly #appendTimeMs: bigint | undefined;

  /**
   * @param partition topic/partition, for errors.
   * @param from The lowest offset that the batch can begin at: compressed messages of formats 0 and 1 have only their last
   * offset.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED
   */
  constructor(bytes: Buffer, partition: string, from?: bigint) {
    this.bytes = bytes;
    this.#partition = partition;
    this.firstOffset = bytes.readBigInt64BE(0);
    if (bytes.length <= HEADER_OFFSETS.magic) throw this.damagedError('a batch is shorter than its header');
    this.#format = bytes.readInt8(HEADER_OFFSETS.magic);
    if (this.#isLegacy) {
      this.lastOffset = this.firstOffset;
      this.#attributes =
        bytes.length > LEGACY_OFFSETS.attributes ? bytes.readInt8(LEGACY_OFFSETS.attributes) : 0;
      if (this.#codecNumber !== 0 && from !== undefined && from < this.lastOffset) this.firstOffset = from;
      this.records = Number(this.lastOffset - this.firstOffset) + 1;
      this.producerId = NO_PRODUCER;
      this.isTransactional = false;
      this.isControl = false;
      return;
    }
    if (bytes.length < HEADER_BYTES) throw this.damagedError('a batch is shorter than its header');
    this.#attributes = bytes.readInt16BE(HEADER_OFFSETS.attributes);
    this.lastOffset = this.firstOffset + BigInt(bytes.readInt32BE(HEADER_OFFSETS.lastOffsetDelta));
    this.records = bytes.readInt32BE(HEADER_OFFSETS.records);
    this.producerId = bytes.readBigInt64BE(HEADER_OFFSETS.producerId);
    this.isTransactional = this.#has(ATTRIBUTES.transactional);
    this.isControl = this.#has(ATTRIBUTES.control);
    this.#firstTimestamp = bytes.readBigInt64BE(HEADER_OFFSETS.firstTimestamp);
    this.#appendTimeMs = this.#has(ATTRIBUTES.appendTime)
      ? bytes.readBigInt64BE(HEADER_OFFSETS.maxTimestamp)
      : undefined;
  }

  /** Whether the records can be decoded: uncompressed, and of message format 2. */
  get isPlain(): boolean {
    return !this.#isLegacy && this.#codecNumber === 0;
  }

  /**
   * Compares the checksum.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED if it does not match.
   */
  verifyChecksum(): void {
    const { bytes } = this;
    const matches = this.#isLegacy
      ? crc32(bytes.subarray(HEADER_OFFSETS.magic)) === bytes.readUInt32BE(LEGACY_OFFSETS.crc)
      : crc32c(bytes.subarray(HEADER_OFFSETS.attributes)) === bytes.readUInt32BE(HEADER_OFFSETS.crc);
    if (!matches) throw this.damagedError('their checksum does not match');
  }

  /**
   * Whether the batch is an abort marker.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED
   */
  isAbortMarker(): boolean {
    if (!this.isControl) return false;
    for (const { key } of this.read()) {
      if (key === null || key.length < CONTROL_KEY_BYTES)
        throw this.damagedError('the key of a control record is too short');
      return key.readInt16BE(2) === ABORT;
    }
    throw this.damagedError('a control batch has no record');
  }

  /**
   * Returns the batch with its records decompressed.
   * @param maxBytes The maximum decompressed size of the records.
   * @throws {PipelineError} KAFKA_BATCH_UNREADABLE, also for message formats 0 and 1, or KAFKA_CODEC_MISSING.
   */
  async decompress(maxBytes: number): Promise<FetchedBatch> {
    if (this.isPlain) return this;
    if (this.#isLegacy)
      throw this.#unreadableError(
        'KAFKA_BATCH_UNREADABLE',
        `of Kafka's message format ${this.#format}, of before 0.11, and this program reads ${MAGIC}`,
      );
    const codec = this.#codec;
    if (codec === undefined)
      throw this.#unreadableError(
        'KAFKA_CODEC_MISSING',
        `compressed with codec ${this.#codecNumber} of Kafka`,
      );
    let records: Buffer;
    try {
      records = await codecOf(codec)(this.bytes.subarray(HEADER_BYTES), maxBytes);
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      throw this.#unreadableError(error.code, `compressed with ${error.message}`);
    }
    return this.#withRecords(records, (bytes) => {
      bytes.writeInt16BE(this.#attributes & ~ATTRIBUTES.codec, HEADER_OFFSETS.attributes);
    });
  }

  /** Returns an upper bound of the decompressed size, at most `maxBytes`; 0 for an uncompressed batch. */
  maxDecodedBytes(maxBytes: number): number {
    const codec = this.#codec;
    return codec === undefined || this.#isLegacy ? 0 : maxDecodedBytesOf(codec, this.bytes.length, maxBytes);
  }

  get #isLegacy(): boolean {
    return this.#format !== MAGIC;
  }

  get #codecNumber(): number {
    return this.#attributes & ATTRIBUTES.codec;
  }

  get #codec(): CodecName | undefined {
    return CODECS[this.#codecNumber];
  }

  /**
   * Splits the messages from one offset to before another into smaller batches, in order, in one pass over the records.
   * @param maxRecords Called before each batch; returns the maximum number of its messages, or 0 to stop.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  *between(from: bigint, to: bigint, maxRecords: () => number): Generator<FetchedBatch, void, undefined> {
    const [firstDelta, endDelta] = [Number(from - this.firstOffset), Number(to - this.firstOffset)];
    let max = maxRecords();
    let slice: RecordSlice | undefined;
    for (const { offsetDelta, from: start, to: end } of this.read()) {
      if (max === 0) return;
      if (offsetDelta < firstDelta || offsetDelta >= endDelta) continue;
      slice = {
        start: slice?.start ?? start,
        end,
        lastDelta: offsetDelta,
        records: (slice?.records ?? 0) + 1,
      };
      if (slice.records < max) continue;
      yield this.#slice(slice);
      slice = undefined;
      max = maxRecords();
    }
    if (slice !== undefined) yield this.#slice(slice);
  }

  #slice({ start, end, lastDelta, records }: RecordSlice): FetchedBatch {
    return this.#withRecords(this.bytes.subarray(HEADER_BYTES).subarray(start, end), (bytes) => {
      bytes.writeInt32BE(lastDelta, HEADER_OFFSETS.lastOffsetDelta);
      bytes.writeInt32BE(records, HEADER_OFFSETS.records);
    });
  }

  /**
   * Decodes the messages, in order.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  messages(): KafkaMessage[] {
    return this.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
      offset: this.offsetOf(offsetDelta),
      timestampMs: this.timestampOf(timestampDelta),
      key,
      value,
      headers,
    }));
  }

  /** Returns the offset of a record. */
  offsetOf(delta: number): bigint {
    return this.firstOffset + BigInt(delta);
  }

  /** Returns the timestamp of a record, in milliseconds since 1970. */
  timestampOf(delta: bigint): bigint {
    return this.#appendTimeMs ?? BigInt.asIntN(64, this.#firstTimestamp + delta);
  }

  /**
   * Maps each record, in order. The same reader is passed for all of them.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  map<T>(make: (record: RecordReader) => T): T[] {
    return Array.from(this.read(), make);
  }

  /**
   * Iterates over the records, in order; they must be uncompressed. Yields the same reader for all of them.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  *read(): Generator<RecordReader, void, undefined> {
    if (this.records < 0) throw this.damagedError(`a batch says that it has ${this.records} records`);
    const bytes = this.bytes.subarray(HEADER_BYTES);
    const reader = new RecordReader(bytes);
    for (let left = this.records; left > 0; left -= 1) {
      try {
        reader.next();
      } catch (error) {
        throw this.damagedError(messageOf(error));
      }
      yield reader;
    }
    if (reader.to !== bytes.length) throw this.damagedError('a batch has more than its records');
  }

  /** Creates a KAFKA_BATCH_DAMAGED error for this batch. */
  damagedError(what: string): PipelineError {
    return this.#errorAt('KAFKA_BATCH_DAMAGED', `messages are damaged: ${what}`);
  }

  #errorAt(code: ErrorCode, what: string): PipelineError {
    return new PipelineError(code, `${this.#partition}: from offset ${this.firstOffset} on, ${what}`);
  }

  #unreadableError(code: ErrorCode, what: string): PipelineError {
    return this.#errorAt(code, `messages are ${what}; the batch ends at offset ${this.lastOffset}`);
  }

  #has(bit: number): boolean {
    return (this.#attributes & bit) !== 0;
  }

  /** Returns a batch with this header, other records, and the length and checksum for them. */
  #withRecords(records: Buffer, change: (bytes: Buffer) => void): FetchedBatch {
    const bytes = Buffer.concat([this.bytes.subarray(0, HEADER_BYTES), records]);
    change(bytes);
    bytes.writeInt32BE(bytes.length - LENGTH_BASE, HEADER_OFFSETS.length);
    bytes.writeUInt32BE(crc32c(bytes.subarray(HEADER_OFFSETS.attributes)), HEADER_OFFSETS.crc);
    return new FetchedBatch(bytes, this.#partition);
  }
}
