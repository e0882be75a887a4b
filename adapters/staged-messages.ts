import { messageOf } from '../model/errors.ts';
import { FetchedBatch, decodeHeaders } from './kafka-fetched-batch.ts';
import type { RecordReader } from './kafka-record-reader.ts';
import { headersText } from './message-headers.ts';

/** A message of a batch that is staged. */
export interface StagedMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** Of the transaction that it was published in; none for a message outside of one. */
  readonly producerId?: bigint | undefined;
  /** Milliseconds since 1970, as its producer or the broker set it. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** Its headers as {@link headersText} writes them. */
  readonly headers: string;
  readonly value: Buffer | null;
}

/** Reads the messages of a partition, one of Kafka's batches after the other. */
export class MessageReader {
  readonly #topic: string;
  readonly #partition: number;
  readonly #texts = new HeaderTexts();

  constructor(topic: string, partition: number) {
    this.#topic = topic;
    this.#partition = partition;
  }

  /**
   * The messages of a batch, in order: one object for all of them, which is each in turn.
   * @param bytes A batch, decompressed.
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

/** What a record says, made when it is asked for. */
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
    return this.#texts.of(this.#batch, this.#record);
  }

  get value(): Buffer | null {
    return this.#record.value;
  }
}

/** The texts of headers: most messages have those of the one before. */
class HeaderTexts {
  #last: { readonly bytes: Buffer; readonly text: string } | undefined;

  /** @throws {PipelineError} KAFKA_BATCH_DAMAGED */
  of(batch: FetchedBatch, record: RecordReader): string {
    if (this.#last === undefined || !record.hasHeaders(this.#last.bytes)) {
      const bytes = Buffer.from(record.headers);
      this.#last = { bytes, text: textOf(batch, bytes) };
    }
    return this.#last.text;
  }
}

function textOf(batch: FetchedBatch, headers: Buffer): string {
  try {
    return headersText(decodeHeaders(headers));
  } catch (error) {
    throw batch.damaged(messageOf(error));
  }
}
