import { crc32c } from '@node-rs/crc32';
import { PipelineError, messageOf, type ErrorCode } from '../model/errors.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../model/settings.ts';
import { codecOf, mostBytesOf, type CodecName } from './kafka-codecs.ts';
import { AT, ATTRIBUTES, HEAD_BYTES, MAGIC } from './kafka-record-batch.ts';
import { RecordReader } from './kafka-record-reader.ts';
import { takePieces, type Framing } from './pieces.ts';

/** A message as it stands in a topic. Its buffers share the memory of what was fetched with it. */
export interface KafkaMessage {
  readonly offset: bigint;
  /** Milliseconds since 1970, as its producer or the broker set it. */
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  /** Its headers as the record holds them; {@link decodeHeaders} reads them. */
  readonly headers: Buffer;
  readonly value: Buffer | null;
}

/** Codecs by their numbers in a batch's attributes; 0 is none. */
const CODECS: readonly (CodecName | undefined)[] = [undefined, 'gzip', 'snappy', 'lz4', 'zstd'];

/** What a control record's key holds after its version when it ends a transaction that was aborted. */
const ABORT = 0;

/** Where a batch's length counts from. */
const LENGTH_FROM = AT.leaderEpoch;

/** How batches stand in a file, or in a broker's answer, one after the other. */
export const BATCHES: Framing = { lengthAt: AT.length, lengthFrom: LENGTH_FROM, givenFrom: 0 };

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
  readonly #attributes: number;
  readonly #firstTimestamp: bigint;
  /** The time at which the broker appended it, where the topic is set to have that in place of the producer's. */
  readonly #appendedMs: bigint | undefined;

  /**
   * @param partition The topic and the partition that it is of, as errors name them.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED or KAFKA_BATCH_UNREADABLE when it is of another format.
   */
  constructor(bytes: Buffer, partition: string) {
    this.bytes = bytes;
    this.#partition = partition;
    this.firstOffset = bytes.readBigInt64BE(0);
    this.#requireFormat();
    this.#attributes = bytes.readInt16BE(AT.attributes);
    this.lastOffset = this.firstOffset + BigInt(bytes.readInt32BE(AT.lastOffsetDelta));
    this.records = bytes.readInt32BE(AT.records);
    this.producerId = bytes.readBigInt64BE(AT.producerId);
    this.isTransactional = this.#has(ATTRIBUTES.transactional);
    this.isControl = this.#has(ATTRIBUTES.control);
    this.#firstTimestamp = bytes.readBigInt64BE(AT.firstTimestamp);
    this.#appendedMs = this.#has(ATTRIBUTES.appendTime) ? bytes.readBigInt64BE(AT.maxTimestamp) : undefined;
  }

  /** Whether its records are not compressed. */
  get isPlain(): boolean {
    return !this.#has(ATTRIBUTES.codec);
  }

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED when it is not as its producer sent it. */
  requireSound(): void {
    const { bytes } = this;
    if (crc32c(bytes.subarray(AT.attributes)) !== bytes.readUInt32BE(AT.crc))
      throw this.damaged('their checksum is not the one that they came with');
  }

  /** Whether it says that a transaction was aborted. */
  endsInAbort(): boolean {
    if (!this.isControl) return false;
    const [key] = this.map((record) => record.key);
    return key?.readInt16BE(2) === ABORT;
  }

  /**
   * The same, decompressed.
   * @param maxBytes How many bytes it may take; see {@link codecOf}.
   * @throws {PipelineError} KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING.
   */
  async plain(maxBytes = DEFAULT_BATCH_DECODED_BYTES): Promise<FetchedBatch> {
    if (this.isPlain) return this;
    const codec = this.#codec;
    if (codec === undefined)
      throw this.#unreadable('KAFKA_CODEC_MISSING', `codec ${this.#codecNumber} of Kafka`);
    let records: Buffer;
    try {
      records = await codecOf(codec)(this.bytes.subarray(HEAD_BYTES), maxBytes);
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      throw this.#unreadable(error.code, error.message);
    }
    return this.#with(records, (bytes) => {
      bytes.writeInt16BE(this.#attributes & ~ATTRIBUTES.codec, AT.attributes);
    });
  }

  /** Returns the most bytes that it can have decompressed, at most `maxBytes`; 0 where it is not compressed. */
  mostPlainBytes(maxBytes: number): number {
    const codec = this.#codec;
    return codec === undefined ? 0 : mostBytesOf(codec, this.bytes.length, maxBytes);
  }

  get #codecNumber(): number {
    return this.#attributes & ATTRIBUTES.codec;
  }

  get #codec(): CodecName | undefined {
    return CODECS[this.#codecNumber];
  }

  /**
   * The first so many of its messages from one offset to before another, as a batch of their own; undefined where there
   * is none.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED.
   */
  between(from: bigint, to: bigint, most: number): FetchedBatch | undefined {
    const wanted = this.map(({ offsetDelta, from: at, to: end }) => ({ offsetDelta, at, end }))
      .filter(({ offsetDelta }) => this.#isBetween(offsetDelta, from, to))
      .slice(0, most);
    const [first, last] = [wanted[0], wanted.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const records = this.bytes.subarray(HEAD_BYTES).subarray(first.at, last.end);
    return this.#with(records, (bytes) => {
      bytes.writeInt32BE(last.offsetDelta, AT.lastOffsetDelta);
      bytes.writeInt32BE(wanted.length, AT.records);
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
    return this.#appendedMs ?? BigInt.asIntN(64, this.#firstTimestamp + delta);
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
    if (this.records < 0) throw this.damaged(`a batch says that it has ${this.records} records`);
    const bytes = this.bytes.subarray(HEAD_BYTES);
    const reader = new RecordReader(bytes);
    for (let left = this.records; left > 0; left -= 1) {
      try {
        reader.next();
      } catch (error) {
        throw this.damaged(messageOf(error));
      }
      yield reader;
    }
    if (reader.to !== bytes.length) throw this.damaged('a batch has more than its records');
  }

  /** What is wrong with it, as an error. */
  damaged(what: string): PipelineError {
    return this.#error('KAFKA_BATCH_DAMAGED', `messages are damaged: ${what}`);
  }

  #requireFormat(): void {
    if (this.bytes.length < HEAD_BYTES) throw this.damaged('a batch is shorter than its head');
    const magic = this.bytes.readInt8(AT.magic);
    if (magic === MAGIC) return;
    const message = `messages are of Kafka's message format ${magic}, of before 0.11, and this program reads ${MAGIC}`;
    throw this.#error('KAFKA_BATCH_UNREADABLE', message);
  }

  #error(code: ErrorCode, what: string): PipelineError {
    return new PipelineError(code, `${this.#partition}: from offset ${this.firstOffset} on, ${what}`);
  }

  #unreadable(code: ErrorCode, what: string): PipelineError {
    return this.#error(
      code,
      `messages are compressed with ${what}; the batch ends at offset ${this.lastOffset}`,
    );
  }

  #isBetween(delta: number, from: bigint, to: bigint): boolean {
    const offset = this.offsetOf(delta);
    return offset >= from && offset < to;
  }

  #has(bit: number): boolean {
    return (this.#attributes & bit) !== 0;
  }

  /** The same head with other records, and a length and a checksum that fit. */
  #with(records: Buffer, change: (bytes: Buffer) => void): FetchedBatch {
    const bytes = Buffer.concat([this.bytes.subarray(0, HEAD_BYTES), records]);
    change(bytes);
    bytes.writeInt32BE(bytes.length - LENGTH_FROM, AT.length);
    bytes.writeUInt32BE(crc32c(bytes.subarray(AT.attributes)), AT.crc);
    return new FetchedBatch(bytes, this.#partition);
  }
}

/**
 * The whole batches in what was fetched of a partition: the last one is cut where no more was asked for.
 * @throws {PipelineError} KAFKA_BATCH_DAMAGED or KAFKA_BATCH_UNREADABLE, see {@link FetchedBatch}
 */
export function* batchesIn(bytes: Buffer, partition: string): Generator<FetchedBatch, void, undefined> {
  const batches: Buffer[] = [];
  takePieces(bytes, BATCHES, batches);
  for (const batch of batches) yield new FetchedBatch(batch, partition);
}

/** A message's headers, or the first of them. */
export interface DecodedHeaders {
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  /** How many the message has. */
  readonly count: number;
}

/**
 * Reads a message's headers, in order, as long as they are within bounds.
 * @param headers As {@link KafkaMessage} has them.
 * @param most How many are read, and in how many bytes, at most.
 * @throws {RangeError} where the bytes are no headers.
 */
export function decodeHeaders(
  headers: Buffer,
  most: HeaderBounds = { count: Infinity, bytes: Infinity },
): DecodedHeaders {
  const reader = new RecordReader(headers);
  const count = reader.number();
  // Each has two lengths at least.
  if (count < 0 || count * 2 > headers.length) throw new RangeError('a record has another number of headers');
  const decoded: [name: string, value: Buffer | null][] = [];
  while (decoded.length < Math.min(count, most.count)) {
    const name = reader.part();
    if (name === null) throw new RangeError('a header of a record has no name');
    const header: [string, Buffer | null] = [name.toString('utf8'), reader.part()];
    if (reader.position > most.bytes) break;
    decoded.push(header);
  }
  if (decoded.length === count && reader.position !== headers.length)
    throw new RangeError('a record has more than its headers');
  return { headers: decoded, count };
}

/** How many headers, and how many bytes of them, are read at most. */
export interface HeaderBounds {
  readonly count: number;
  readonly bytes: number;
}
