import type { Offset } from '../../model/references.ts';
import { partitionOf } from './partitioner.ts';
import { RecordBatch, encodeHeaders, type BatchRecord } from './wire/record-batch.ts';
import type { PublishTransaction } from './wire/transaction.ts';
import {
  toHeaderList,
  maxOverheadBytes,
  type MessageHeaders,
  type OutgoingMessage,
} from './outgoing-message.ts';

/** The maximum size of a Produce request, per partition and in total. */
export const MAX_REQUEST_BYTES_PER_PARTITION = 700_000;
const MAX_REQUEST_BYTES = 6 << 20;

/** A topic that is published to. */
export interface OpenTopic {
  readonly name: string;
  readonly partitions: number;
}

interface SenderOptions {
  readonly transaction: PublishTransaction;
  /** Nothing is sent before it resolves, nor if it rejects. */
  readonly after: Promise<unknown>;
  readonly topic: OpenTopic;
  /** The maximum size of one partition's batch in a request, in bytes. */
  readonly maxPartitionBytes: number;
  /** Empty batches to reuse; batches return here once they are sent. */
  readonly spare: RecordBatch[];
}

/**
 * Groups messages into Produce requests: one is under way, one waits for it, and the next one is being filled.
 */
export class Sender {
  /** The offset of the first message in each partition; complete after {@link end}. */
  readonly firsts: Record<number, Offset> = {};
  /** The offset after the last message in each partition; complete after {@link end}. */
  readonly ends: Record<number, Offset> = {};
  readonly #options: SenderOptions;
  #batches = new Map<number, RecordBatch>();
  #bytes = 0;
  #added = 0;
  /** The last queued request; they are sent one by one, since the sequence numbers of a partition must be in order. */
  #sent: Promise<unknown>;
  /** The last AddPartitionsToTxn request; it is sent ahead of the Produce request. */
  #included: Promise<unknown> = Promise.resolve();
  /** Resolves when another request may be queued. */
  #room: Promise<unknown> = Promise.resolve();
  #lastHeaders: EncodedHeaders | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#sent = options.after;
  }

  /**
   * Adds a message.
   * @returns A promise to await before the next message, if the batches are full; undefined otherwise.
   */
  add({ key: given, value, headers, partition: wanted }: OutgoingMessage): Promise<void> | undefined {
    const key = typeof given === 'string' ? Buffer.from(given) : given;
    const partition = wanted ?? this.#partitionOf(key);
    const { encoded, overhead } = this.#encodedHeaders(headers);
    const bytes = overhead + (key?.length ?? 0) + (value?.length ?? 0);
    const partitionBytes = this.#batches.get(partition)?.bytes ?? 0;
    const record = { key, value, headers: encoded };
    this.#added += 1;
    if (this.#bytes + bytes > MAX_REQUEST_BYTES || partitionBytes + bytes > this.#options.maxPartitionBytes)
      return this.#flush().then(() => {
        this.#append(partition, record, bytes);
      });
    this.#append(partition, record, bytes);
    return undefined;
  }

  /** Sends the remaining messages, and waits for all requests. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#sent;
  }

  /** Waits for all requests, also failed ones: an abort must not overtake them. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#included, this.#sent]);
  }

  #append(partition: number, record: BatchRecord, bytes: number): void {
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
    const included = this.#included.then(() => transaction.addPartitions(topic.name, [...batches.keys()]));
    this.#included = included;
    this.#sent = this.#sent.then(async () => {
      await included;
      await this.#send(batches);
    });
    included.catch(() => undefined);
    // Awaited by a later flush, or by end().
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

  /** Encodes headers; reuses the last result, since most messages of a set share one headers object. */
  #encodedHeaders(headers: MessageHeaders): EncodedHeaders {
    if (this.#lastHeaders?.source !== headers) {
      const list = toHeaderList(headers);
      this.#lastHeaders = { source: headers, encoded: encodeHeaders(list), overhead: maxOverheadBytes(list) };
    }
    return this.#lastHeaders;
  }

  #partitionOf(key: Buffer | null): number {
    const { partitions } = this.#options.topic;
    return key === null ? this.#added % partitions : partitionOf(key, partitions);
  }
}

interface EncodedHeaders {
  readonly source: MessageHeaders;
  readonly encoded: Buffer;
  /** See {@link maxOverheadBytes}. */
  readonly overhead: number;
}
