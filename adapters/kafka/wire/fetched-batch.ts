import { crc32, crc32c } from '@node-rs/crc32';
import { PipelineError, messageOf, type ErrorCode } from '../../../model/errors.ts';
import { codecOf, maxDecodedBytesOf, type CodecName } from './compression.ts';
import { HEADER_OFFSETS, ATTRIBUTES, HEADER_BYTES, MAGIC } from './record-batch.ts';
import { RecordReader } from './record-reader.ts';
import { splitLengthPrefixed, type LengthPrefix } from '../../../lib/length-prefixed.ts';

/** A message as it stands in a topic. Its buffers share the memory of what was fetched with it. */
export interface KafkaMessage {
  readonly offset: bigint;
  /** Milliseconds since 1970, as its producer or the broker set it. */
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  /** Its headers as the record holds them; `decodeHeaders` reads them. */
  readonly headers: Buffer;
  readonly value: Buffer | null;
}

/** Codecs by their numbers in a batch's attributes; 0 is none. */
const CODECS: readonly (CodecName | undefined)[] = [undefined, 'gzip', 'snappy', 'lz4', 'zstd'];

/** What a control record's key holds after its version when it ends a transaction that was aborted. */
const ABORT = 0;

/** The shortest key of a control record: a version and a kind, of two bytes each. */
const CONTROL_KEY_BYTES = 4;

/** Where a message of the formats before 0.11 has its checksum, and where what that is of begins. */
const LEGACY_OFFSETS = { crc: 12, attributes: 17 } as const;

const NO_PRODUCER = -1n;

/** Records of a batch that follow one another. */
interface RecordSlice {
  /** Where they begin, and end, among the bytes of all records. */
  readonly at: number;
  readonly next: number;
  readonly lastDelta: number;
  readonly records: number;
}

/** Where a batch's length counts from. */
const LENGTH_BASE = HEADER_OFFSETS.leaderEpoch;

/** How batches stand in a file, or in a broker's answer, one after the other. */
export const BATCHES: LengthPrefix = {
  lengthAt: HEADER_OFFSETS.length,
  lengthFrom: LENGTH_BASE,
  contentFrom: 0,
};

/**
 * A batch of records as a broker gives it, its records not yet read.
 * Format: kafka.apache.org/documentation/#messageformat
 */
export class FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  /** How many records it holds: fewer than its offsets where compaction took some. */
  readonly records: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** Whether it holds a transaction's end, and no message. */
  readonly isControl: boolean;
  readonly bytes: Buffer;
  readonly #partition: string;
  /** Kafka's number of the message format: 2, or that of one of before 0.11. */
  readonly #format: number;
  readonly #attributes: number;
  readonly #firstTimestamp: bigint = 0n;
  /** The time at which the broker appended it, where the topic is set to have that in place of the producer's. */
  readonly #appendTimeMs: bigint | undefined;

  /**
   * @param partition The topic and the partition that it is of, as errors name them.
   * @param from The first offset that it can have: a compressed batch of a format of before 0.11 says only its last one.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED
   */
  constructor(bytes: Buffer, partition: string, from?: bigint) {
    this.bytes = bytes;
    this.#partition = partition;
    this.firstOffset = bytes.readBigInt64BE(0);
    if (bytes.length <= HEADER_OFFSETS.magic) throw this.damagedError('a batch is shorter than its head');
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
    if (bytes.length < HEADER_BYTES) throw this.damagedError('a batch is shorter than its head');
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

  /** Whether its records are read as they are: neither compressed nor of another format. */
  get isPlain(): boolean {
    return !this.#isLegacy && this.#codecNumber === 0;
  }

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED when it is not as its producer sent it. */
  verifyChecksum(): void {
    const { bytes } = this;
    const isSound = this.#isLegacy
      ? crc32(bytes.subarray(HEADER_OFFSETS.magic)) === bytes.readUInt32BE(LEGACY_OFFSETS.crc)
      : crc32c(bytes.subarray(HEADER_OFFSETS.attributes)) === bytes.readUInt32BE(HEADER_OFFSETS.crc);
    if (!isSound) throw this.damagedError('their checksum is not the one that they came with');
  }

  /**
   * Whether it says that a transaction was aborted.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED
   */
  isAbortMarker(): boolean {
    if (!this.isControl) return false;
    for (const { key } of this.read()) {
      if (key === null || key.length < CONTROL_KEY_BYTES)
        throw this.damagedError('a control record says of no kind that it is');
      return key.readInt16BE(2) === ABORT;
    }
    throw this.damagedError('a control batch has no record');
  }

  /**
   * The same, decompressed.
   * @param maxBytes How many bytes it may take; see {@link codecOf}.
   * @throws {PipelineError} KAFKA_BATCH_UNREADABLE, also where it is of another format, or KAFKA_CODEC_MISSING.
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

  /** Returns the most bytes that it can have decompressed, at most `maxBytes`; 0 where it is not compressed. */
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
   * Its messages from one offset to before another, in order, as batches of their own. They are read once, since a batch
   * of 64 MiB can have nine million.
   * @param most How many messages the next one has at most; asked before each, and 0 ends it.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  *between(from: bigint, to: bigint, most: () => number): Generator<FetchedBatch, void, undefined> {
    const [first, end] = [Number(from - this.firstOffset), Number(to - this.firstOffset)];
    let max = most();
    let part: RecordSlice | undefined;
    for (const { offsetDelta, from: at, to: next } of this.read()) {
      if (max === 0) return;
      if (offsetDelta < first || offsetDelta >= end) continue;
      part = { at: part?.at ?? at, next, lastDelta: offsetDelta, records: (part?.records ?? 0) + 1 };
      if (part.records < max) continue;
      yield this.#slice(part);
      part = undefined;
      max = most();
    }
    if (part !== undefined) yield this.#slice(part);
  }

  #slice({ at, next, lastDelta, records }: RecordSlice): FetchedBatch {
    return this.#withRecords(this.bytes.subarray(HEADER_BYTES).subarray(at, next), (bytes) => {
      bytes.writeInt32BE(lastDelta, HEADER_OFFSETS.lastOffsetDelta);
      bytes.writeInt32BE(records, HEADER_OFFSETS.records);
    });
  }

  /**
   * Its messages, in order.
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

  /** The offset of a record. */
  offsetOf(delta: number): bigint {
    return this.firstOffset + BigInt(delta);
  }

  /** The time of a record, in milliseconds since 1970. */
  timestampOf(delta: bigint): bigint {
    return this.#appendTimeMs ?? BigInt.asIntN(64, this.#firstTimestamp + delta);
  }

  /**
   * What something makes of each of its records, in order; it is given one object for all of them.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  map<T>(make: (record: RecordReader) => T): T[] {
    return Array.from(this.read(), make);
  }

  /**
   * Its records, in order, which must be decompressed: one object for all of them, which is each in turn.
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

  /** What is wrong with it, as an error. */
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

  /** The same head with other records, and a length and a checksum that fit. */
  #withRecords(records: Buffer, change: (bytes: Buffer) => void): FetchedBatch {
    const bytes = Buffer.concat([this.bytes.subarray(0, HEADER_BYTES), records]);
    change(bytes);
    bytes.writeInt32BE(bytes.length - LENGTH_BASE, HEADER_OFFSETS.length);
    bytes.writeUInt32BE(crc32c(bytes.subarray(HEADER_OFFSETS.attributes)), HEADER_OFFSETS.crc);
    return new FetchedBatch(bytes, this.#partition);
  }
}

/**
 * The whole batches in what was fetched of a partition: the last one is cut where no more was asked for.
 * @param from The offset that was asked for.
 * @throws {PipelineError} KAFKA_BATCH_DAMAGED, see {@link FetchedBatch}
 */
export function* batchesIn(
  bytes: Buffer,
  partition: string,
  from: bigint,
): Generator<FetchedBatch, void, undefined> {
  const batches: Buffer[] = [];
  splitLengthPrefixed(bytes, BATCHES, batches);
  let next = from;
  for (const batch of batches) {
    const fetched = new FetchedBatch(batch, partition, next);
    next = fetched.lastOffset + 1n;
    yield fetched;
  }
}
