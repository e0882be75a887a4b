import { crc32c } from '@node-rs/crc32';
import { PipelineError, messageOf } from '../model/errors.ts';
import { codecOf, type CodecName } from './kafka-codecs.ts';
import { AT, ATTRIBUTES, HEAD_BYTES, MAGIC } from './kafka-record-batch.ts';
import { RecordReader } from './kafka-record-reader.ts';

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

/**
 * A batch of records as a broker gives it, its records not yet read.
 * Format: kafka.apache.org/documentation/#messageformat
 */
export class FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** Whether it holds a transaction's end, and no message. */
  readonly isControl: boolean;
  readonly #bytes: Buffer;
  readonly #attributes: number;

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED or KAFKA_BATCH_UNREADABLE when it is of another format. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    requireFormat(bytes);
    this.firstOffset = bytes.readBigInt64BE(0);
    this.#attributes = bytes.readInt16BE(AT.attributes);
    this.lastOffset = this.firstOffset + BigInt(bytes.readInt32BE(AT.lastOffsetDelta));
    this.producerId = bytes.readBigInt64BE(AT.producerId);
    this.isTransactional = this.#has(ATTRIBUTES.transactional);
    this.isControl = this.#has(ATTRIBUTES.control);
  }

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED when it is not as its producer sent it. */
  requireSound(): void {
    const bytes = this.#bytes;
    if (crc32c(bytes.subarray(AT.attributes)) !== bytes.readUInt32BE(AT.crc))
      throw damaged('their checksum is not the one that they came with');
  }

  /** Whether it says that a transaction was aborted. */
  endsInAbort(): boolean {
    if (!this.isControl) return false;
    const [record] = this.#read(this.#bytes.subarray(HEAD_BYTES));
    return record?.key?.readInt16BE(2) === ABORT;
  }

  /**
   * Its messages, in order.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED, KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING, without saying where.
   */
  async messages(): Promise<KafkaMessage[]> {
    return this.#read(await this.#records());
  }

  /** Its records, decompressed. */
  async #records(): Promise<Buffer> {
    const records = this.#bytes.subarray(HEAD_BYTES);
    const number = this.#attributes & ATTRIBUTES.codec;
    if (number === 0) return records;
    const codec = CODECS[number];
    if (codec === undefined)
      throw new PipelineError('KAFKA_CODEC_MISSING', `messages are compressed with codec ${number} of Kafka`);
    try {
      return await codecOf(codec)(records);
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error;
      throw new PipelineError(error.code, `messages are compressed with ${error.message}`);
    }
  }

  #has(bit: number): boolean {
    return (this.#attributes & bit) !== 0;
  }

  #read(records: Buffer): KafkaMessage[] {
    const bytes = this.#bytes;
    const first = bytes.readBigInt64BE(AT.firstTimestamp);
    const appended = this.#has(ATTRIBUTES.appendTime) ? bytes.readBigInt64BE(AT.maxTimestamp) : undefined;
    const reader = new RecordReader(records);
    try {
      return Array.from({ length: bytes.readInt32BE(AT.records) }, () => {
        const { timestampDelta, offsetDelta, key, value, headers } = reader.next();
        const timestampMs = appended ?? BigInt.asIntN(64, first + timestampDelta);
        return { offset: this.firstOffset + BigInt(offsetDelta), timestampMs, key, value, headers };
      });
    } catch (error) {
      throw damaged(messageOf(error));
    }
  }
}

/**
 * The whole batches in what was fetched of a partition: the last one is cut where no more was asked for.
 * @throws {PipelineError} KAFKA_BATCH_DAMAGED or KAFKA_BATCH_UNREADABLE, see {@link FetchedBatch}
 */
export function* batchesIn(bytes: Buffer): Generator<FetchedBatch, void, undefined> {
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const end = at + LENGTH_FROM + bytes.readUInt32BE(at + AT.length);
    if (end > bytes.length) return;
    yield new FetchedBatch(bytes.subarray(at, end));
    at = end;
  }
}

function requireFormat(bytes: Buffer): void {
  if (bytes.length < HEAD_BYTES) throw damaged('a batch is shorter than its head');
  const magic = bytes.readInt8(AT.magic);
  if (magic === MAGIC) return;
  const message = `messages are of Kafka's message format ${magic}, of before 0.11, and this program reads ${MAGIC}`;
  throw new PipelineError('KAFKA_BATCH_UNREADABLE', message);
}

/**
 * A message's headers, in order.
 * @param headers As {@link KafkaMessage} has them.
 */
export function decodeHeaders(headers: Buffer): [name: string, value: Buffer | null][] {
  const reader = new RecordReader(headers);
  return Array.from({ length: reader.number() }, () => [
    reader.part()?.toString('utf8') ?? '',
    reader.part(),
  ]);
}

function damaged(what: string): PipelineError {
  return new PipelineError('KAFKA_BATCH_DAMAGED', `messages are damaged: ${what}`);
}
