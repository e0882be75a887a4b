import type { Offset } from '../../model/references.ts';
import { partitionOf } from './partitioner.ts';
import { RecordBatch, encodeHeaders, type BatchRecord } from './wire/record-batch.ts';
import type { PublishTransaction } from './wire/transaction.ts';
import { headersOf, overheadOf, type MessageHeaders, type OutgoingMessage } from './outgoing-message.ts';

/** More than this of one partition in one request saves nothing, nor does more than that of all of them. */
export const REQUEST_BYTES_PER_PARTITION = 700_000;
const REQUEST_BYTES = 6 << 20;

/** A topic that is published to. */
export interface OpenTopic {
  readonly name: string;
  /** How many it has. */
  readonly partitions: number;
}

interface SenderOptions {
  readonly transaction: PublishTransaction;
  /** No message is sent before it, and none at all if it fails. */
  readonly after: Promise<unknown>;
  readonly topic: OpenTopic;
  /** The most bytes of one partition in one request. */
  readonly requestBytes: number;
  /** Empty batches, whose memory is used; those that are sent come back here. */
  readonly spare: RecordBatch[];
}

/**
 * Gathers messages into requests that the broker takes: while one is on its way, and another waits for it, the next
 * is filled.
 */
export class Sender {
  /** The first offset of each partition, once all is sent. */
  readonly firsts: Record<number, Offset> = {};
  /** Where each partition ends, once all is sent. */
  readonly ends: Record<number, Offset> = {};
  readonly #options: SenderOptions;
  #batches = new Map<number, RecordBatch>();
  #bytes = 0;
  #added = 0;
  /** What is on its way, one request after the other, since a partition's batches must keep their order. */
  #sent: Promise<unknown>;
  /** The partitions of what is to be sent become part of the transaction before it is their turn. */
  #included: Promise<unknown> = Promise.resolve();
  /** Where it is over, there is room for one more. */
  #room: Promise<unknown> = Promise.resolve();
  #lastHeaders: EncodedHeaders | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#sent = options.after;
  }

  /**
   * Adds a message.
   * @returns What is to be waited for before the next one; mostly nothing.
   */
  add({ key: given, value, headers, partition: wanted }: OutgoingMessage): Promise<void> | undefined {
    const key = typeof given === 'string' ? Buffer.from(given) : given;
    const partition = wanted ?? this.#partitionOf(key);
    const { encoded, overhead } = this.#encoded(headers);
    const bytes = overhead + (key?.length ?? 0) + (value?.length ?? 0);
    const most = this.#options.requestBytes;
    const ofPartition = this.#batches.get(partition)?.bytes ?? 0;
    const record = { key, value, headers: encoded };
    this.#added += 1;
    if (this.#bytes + bytes > REQUEST_BYTES || ofPartition + bytes > most)
      return this.#flush().then(() => {
        this.#put(partition, record, bytes);
      });
    this.#put(partition, record, bytes);
    return undefined;
  }

  /** Sends the rest, and waits until all is sent, or has failed. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#sent;
  }

  /** Waits for what is on its way, come of it what may: an abort must not overtake it. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#included, this.#sent]);
  }

  #put(partition: number, record: BatchRecord, bytes: number): void {
    let batch = this.#batches.get(partition);
    if (batch === undefined) {
      batch = this.#options.spare.pop() ?? new RecordBatch();
      this.#batches.set(partition, batch);
    }
    batch.add(record);
    this.#bytes += bytes;
  }

  async #flush(): Promise<void> {
    const batches = this.#batches;
    this.#batches = new Map();
    this.#bytes = 0;
    await this.#room;
    if (batches.size === 0) return;
    this.#room = this.#sent;
    const { transaction, topic } = this.#options;
    const included = this.#included.then(() => transaction.include(topic.name, [...batches.keys()]));
    this.#included = included;
    this.#sent = this.#sent.then(async () => {
      await included;
      await this.#send(batches);
    });
    included.catch(() => undefined);
    // It is looked at when there is to be room for another one, and in the end.
    this.#sent.catch(() => undefined);
  }

  async #send(batches: ReadonlyMap<number, RecordBatch>): Promise<void> {
    const { transaction, topic, spare } = this.#options;
    for (const { partition, firstOffset } of await transaction.send(topic.name, batches)) {
      const records = batches.get(partition)?.records ?? 0;
      this.firsts[partition] ??= firstOffset;
      this.ends[partition] = String(BigInt(firstOffset) + BigInt(records));
    }
    for (const batch of batches.values()) batch.clear();
    spare.push(...batches.values());
  }

  /** Messages of one set mostly share their headers. */
  #encoded(headers: MessageHeaders): EncodedHeaders {
    if (this.#lastHeaders?.of !== headers) {
      const list = headersOf(headers);
      this.#lastHeaders = { of: headers, encoded: encodeHeaders(list), overhead: overheadOf(list) };
    }
    return this.#lastHeaders;
  }

  #partitionOf(key: Buffer | null): number {
    const { partitions } = this.#options.topic;
    return key === null ? this.#added % partitions : partitionOf(key, partitions);
  }
}

interface EncodedHeaders {
  readonly of: MessageHeaders;
  readonly encoded: Buffer;
  /** See {@link overheadOf}. */
  readonly overhead: number;
}
