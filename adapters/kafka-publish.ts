import kafkajs, { Partitioners, type Admin, type PartitionMetadata } from 'kafkajs';
import { PipelineError } from '../model/errors.ts';
import type { Offset, PartitionEnds } from '../model/references.ts';
import { kafkaClient, whileCoordinatorLoads, withAdmin, type KafkaOptions } from './kafka.ts';
import { asKafkaError } from './kafka-errors.ts';
import { RecordBatch, encodeHeaders, type Header } from './kafka-record-batch.ts';
import { PublishTransaction } from './kafka-transaction.ts';

/** The values of each header, by its name. */
export type MessageHeaders = Readonly<Record<string, string | Buffer | (string | Buffer)[]>>;

/** One message to publish. */
export interface OutgoingMessage {
  /** Decides the partition unless one is given; a message without one goes where its place in the set puts it. */
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: MessageHeaders;
  readonly partition?: number;
}

/** A set of messages that is published whole, once, however often it is tried. */
export interface MessageSet {
  /** Names the set for ever: the same id is never published a second time. */
  readonly id: string;
  readonly topic: string;
  /** The messages in order, a few at a time; read once a try. None may have more {@link messageBytes} than {@link maxBytesOf} the topic. */
  readonly messages: AsyncIterable<readonly OutgoingMessage[]>;
}

/** Where a set of messages stands in its topic. */
export interface PublishedSet {
  /** For each partition that got a message, the offset after the set's last one. */
  readonly ends: PartitionEnds;
  /** Whether an earlier try, or another run, had published it. */
  readonly before: boolean;
}

/** More than this of one partition in one request saves nothing, nor does more than that of all of them. */
const REQUEST_BYTES_A_PARTITION = 700_000;
const REQUEST_BYTES = 6 << 20;
/** What Kafka's format adds at most to a batch, to a message and to each of its headers. */
const OVERHEAD_BYTES = { batch: 61, message: 36, header: 10 };

/** The consumer group whose committed offsets say that a set was published, and up to where. */
export function markerOf(id: string): string {
  return `published:${id}`;
}

/** How many bytes a message has at most when it is sent by itself. */
export function messageBytes({ key, value, headers }: OutgoingMessage): number {
  const entries = headersOf(headers);
  return (
    OVERHEAD_BYTES.batch +
    OVERHEAD_BYTES.message +
    entries.length * OVERHEAD_BYTES.header +
    entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0) +
    (key === null ? 0 : Buffer.byteLength(key)) +
    (value?.length ?? 0)
  );
}

function headersOf(headers: MessageHeaders): Header[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
}

/** The most bytes that a topic takes of a partition at once: its setting `max.message.bytes`. */
export async function maxBytesOf(options: KafkaOptions, topic: string): Promise<number> {
  return withAdmin(options, (admin) => readMaxBytes(admin, topic));
}

async function readMaxBytes(admin: Admin, topic: string): Promise<number> {
  const name = 'max.message.bytes';
  const asked = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] };
  const { resources } = await admin.describeConfigs({ resources: [asked], includeSynonyms: false });
  const [found] = resources;
  const value = found?.configEntries.find((entry) => entry.configName === name)?.configValue;
  if (value !== undefined && /^\d+$/.test(value)) return Number(value);
  throw new PipelineError(
    'KAFKA_REFUSED',
    `topic ${topic} does not tell its ${name}: ${found?.errorMessage ?? 'there is no such setting'}`,
  );
}

/**
 * Publishes a set in one transaction with its own marker: either all of it and the marker are in the topic,
 * or nothing is. Beginning the transaction fences every older try, and only then is the marker looked for;
 * so whichever try comes last sees the truth.
 * @throws {PipelineError} PUBLISH_FENCED, KAFKA_UNREACHABLE or KAFKA_REFUSED; then nothing of this try can be read.
 */
export async function publishOnce(options: KafkaOptions, set: MessageSet): Promise<PublishedSet> {
  const admin = kafkaClient(options, 'publish').admin();
  let transaction: PublishTransaction | undefined;
  try {
    await admin.connect();
    transaction = await transactionOf(options, set.id);
    return await publishInTransaction(admin, transaction, set);
  } catch (error) {
    throw asKafkaError(error, `topic ${set.topic}, for the set ${set.id},`);
  } finally {
    await Promise.all([admin.disconnect(), transaction?.close()]);
  }
}

/** Begins the transaction of a set, which fences every older try. */
export async function transactionOf(options: KafkaOptions, id: string): Promise<PublishTransaction> {
  return PublishTransaction.begin(options, `publish:${id}`);
}

async function publishInTransaction(
  admin: Admin,
  transaction: PublishTransaction,
  set: MessageSet,
): Promise<PublishedSet> {
  try {
    const before = await readMarker(admin, set);
    if (before !== undefined) {
      await transaction.abort();
      return { ends: before, before: true };
    }
    const ends = await sendAll(admin, transaction, set);
    await transaction.sendOffsets(markerOf(set.id), set.topic, markerOffsets(ends));
    await transaction.commit();
    return { ends, before: false };
  } catch (error) {
    // The broker aborts it too when the next try fences this one; so a failure here loses nothing.
    await transaction.abort().catch(() => undefined);
    throw error;
  }
}

async function readMarker(admin: Admin, set: MessageSet): Promise<PartitionEnds | undefined> {
  const asked = { groupId: markerOf(set.id), topics: [set.topic] };
  const [found] = await whileCoordinatorLoads(() => admin.fetchOffsets(asked));
  const marked = (found?.partitions ?? []).filter(({ offset }) => offset !== '-1');
  if (marked.length === 0) return undefined;
  return Object.fromEntries(
    marked.filter(({ offset }) => offset !== '0').map(({ partition, offset }) => [partition, offset]),
  );
}

/** A set without messages is marked too, by an offset 0, which no message can have before it. */
function markerOffsets(ends: PartitionEnds): { partition: number; offset: Offset }[] {
  const offsets = Object.entries(ends).map(([partition, offset]) => ({
    partition: Number(partition),
    offset,
  }));
  return offsets.length > 0 ? offsets : [{ partition: 0, offset: '0' }];
}

async function sendAll(
  admin: Admin,
  transaction: PublishTransaction,
  set: MessageSet,
): Promise<PartitionEnds> {
  const { topic } = set;
  const requestBytes = Math.min(REQUEST_BYTES_A_PARTITION, await readMaxBytes(admin, topic));
  const partitions = await partitionsOf(admin, topic);
  const sender = new Sender({ transaction, topic, requestBytes, partitions });
  try {
    for await (const messages of set.messages) {
      for (const message of messages) await sender.add(message);
    }
    await sender.end();
    return sender.ends;
  } catch (error) {
    await sender.settle();
    throw error;
  }
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

interface SenderOptions {
  readonly transaction: PublishTransaction;
  readonly topic: string;
  /** The most bytes of one partition in one request. */
  readonly requestBytes: number;
  readonly partitions: number;
}

/** Gathers messages into requests that the broker takes, one on its way while the next is filled. */
class Sender {
  /** Where each partition ends, once all is sent. */
  readonly ends: Record<number, Offset> = {};
  readonly #options: SenderOptions;
  /** As the partitioner wants them. */
  readonly #partitions: PartitionMetadata[];
  readonly #choose = Partitioners.DefaultPartitioner();
  #batches = new Map<number, RecordBatch>();
  #bytes = 0;
  #added = 0;
  /** The request that is on its way; the next one waits for it, since a partition's batches must keep their order. */
  #sent: Promise<void> = Promise.resolve();
  #lastHeaders: { readonly of: MessageHeaders; readonly encoded: Buffer } | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#partitions = Array.from({ length: options.partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
    }));
  }

  async add(message: OutgoingMessage): Promise<void> {
    const partition = this.#partitionOf(message);
    const bytes = messageBytes(message);
    const most = this.#options.requestBytes;
    const ofPartition = this.#batches.get(partition)?.bytes ?? 0;
    if (this.#bytes + bytes > REQUEST_BYTES || ofPartition + bytes > most) await this.#flush();
    const batch = this.#batches.get(partition) ?? new RecordBatch();
    this.#batches.set(partition, batch);
    const key = typeof message.key === 'string' ? Buffer.from(message.key) : message.key;
    batch.add({ key, value: message.value, headers: this.#encoded(message.headers) });
    this.#bytes += bytes;
    this.#added += 1;
  }

  /** Sends the rest, and waits until all is sent, or has failed. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#sent;
  }

  /** Waits for what is on its way, come of it what may: an abort must not overtake it. */
  async settle(): Promise<void> {
    await this.#sent.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const batches = this.#batches;
    this.#batches = new Map();
    this.#bytes = 0;
    await this.#sent;
    if (batches.size === 0) return;
    this.#sent = this.#send(batches);
    // It is looked at when the next one is due.
    this.#sent.catch(() => undefined);
  }

  async #send(batches: ReadonlyMap<number, RecordBatch>): Promise<void> {
    const { transaction, topic } = this.#options;
    for (const { partition, firstOffset } of await transaction.send(topic, batches)) {
      const records = batches.get(partition)?.records ?? 0;
      this.ends[partition] = String(BigInt(firstOffset) + BigInt(records));
    }
  }

  /** Messages of one set mostly share their headers. */
  #encoded(headers: MessageHeaders): Buffer {
    if (this.#lastHeaders?.of !== headers)
      this.#lastHeaders = { of: headers, encoded: encodeHeaders(headersOf(headers)) };
    return this.#lastHeaders.encoded;
  }

  #partitionOf(message: OutgoingMessage): number {
    const { key, partition } = message;
    if (partition !== undefined) return partition;
    if (key === null) return this.#added % this.#partitions.length;
    return this.#choose({
      topic: this.#options.topic,
      partitionMetadata: this.#partitions,
      message: { key, value: null },
    });
  }
}
