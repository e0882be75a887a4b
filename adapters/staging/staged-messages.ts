import { messageOf } from '../../model/errors.ts';
import { FetchedBatch } from '../kafka/wire/fetched-batch.ts';
import { decodeHeaders, type HeaderBounds } from '../kafka/wire/headers.ts';
import type { RecordReader } from '../kafka/wire/record-reader.ts';
import { serializeHeaders } from '../kafka/message-headers.ts';

/**
 * Limits for the number and bytes of a message's headers. Kafka's default limit for a message is 1 MiB, so headers are
 * at most an eighth of it.
 */
export const MAX_HEADERS: HeaderBounds = { count: 1_000, bytes: 128 << 10 };

/** Limits for the headers kept of a message that exceeds {@link MAX_HEADERS}, so that it can be published again. */
export const KEPT_HEADERS: HeaderBounds = { count: 100, bytes: 16 << 10 };

/** A staged Kafka message. */
export interface StagedMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** The producer of its transaction; undefined for a message without a transaction. */
  readonly producerId?: bigint | undefined;
  /** Milliseconds since 1970: CreateTime or LogAppendTime. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** Its headers as {@link serializeHeaders} writes them; of more than {@link MAX_HEADERS} the first {@link KEPT_HEADERS}. */
  readonly headers: string;
  /** The reason why not all headers are kept; undefined if all are. */
  readonly headersFault?: string | undefined;
  readonly value: Buffer | null;
}

/** Decodes the messages of a partition, one record batch at a time. */
export class MessageReader {
  readonly #topic: string;
  readonly #partition: number;
  readonly #texts = new HeaderTexts();

  constructor(topic: string, partition: number) {
    this.#topic = topic;
    this.#partition = partition;
  }

  /**
   * Yields the messages of a record batch in order. The same object is yielded each time, with changed contents.
   * @param bytes A decompressed record batch.
   * @throws {PipelineError} KAFKA_BATCH_DAMAGED, KAFKA_BATCH_UNREADABLE
   */
  *messagesOf(bytes: Buffer): Generator<StagedMessage, void, undefined> {
    const batch = new FetchedBatch(bytes, `${this.#topic}/${this.#partition}`);
    let message: StagedMessage | undefined;
    for (const record of batch.read()) {
      message ??= new RecordMessage(this.#partition, batch, record, this.#texts);
      yield message;
    }
  }
}

/** A view of the current record that decodes fields lazily. */
class RecordMessage implements StagedMessage {
  readonly partition: number;
  readonly #batch: FetchedBatch;
  readonly #record: RecordReader;
  readonly #texts: HeaderTexts;

  constructor(partition: number, batch: FetchedBatch, record: RecordReader, texts: HeaderTexts) {
    this.partition = partition;
    this.#batch = batch;
    this.#record = record;
    this.#texts = texts;
  }

  get offset(): bigint {
    return this.#batch.offsetOf(this.#record.offsetDelta);
  }

  get producerId(): bigint | undefined {
    return this.#batch.isTransactional ? this.#batch.producerId : undefined;
  }

  get timestampMs(): number {
    return Number(this.#batch.timestampOf(this.#record.timestampDelta));
  }

  get key(): Buffer | null {
    return this.#record.key;
  }

  get headers(): string {
    return this.#texts.of(this.#batch, this.#record).text;
  }

  get headersFault(): string | undefined {
    return this.#texts.of(this.#batch, this.#record).fault;
  }

  get value(): Buffer | null {
    return this.#record.value;
  }
}

interface HeaderText {
  readonly text: string;
  readonly fault: string | undefined;
}

/** Caches the formatted headers, since most messages have the same headers as the previous one. */
class HeaderTexts {
  #last: (HeaderText & { readonly bytes: Buffer }) | undefined;

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED */
  of(batch: FetchedBatch, record: RecordReader): HeaderText {
    if (this.#last === undefined || !record.hasHeaders(this.#last.bytes)) {
      const bytes = Buffer.from(record.headers);
      this.#last = { bytes, ...textOf(batch, bytes) };
    }
    return this.#last;
  }
}

function textOf(batch: FetchedBatch, bytes: Buffer): HeaderText {
  try {
    const all = decodeHeaders(bytes, MAX_HEADERS);
    if (all.headers.length === all.count) return { text: serializeHeaders(all.headers), fault: undefined };
    const { headers, count } = decodeHeaders(bytes, KEPT_HEADERS);
    const fault =
      `has ${count} headers of ${bytes.length} bytes, more than the ${MAX_HEADERS.count} headers or the ` +
      `${MAX_HEADERS.bytes} bytes that a message may have; the first ${headers.length} are kept`;
    return { text: serializeHeaders(headers), fault };
  } catch (error) {
    throw batch.damagedError(messageOf(error));
  }
}
