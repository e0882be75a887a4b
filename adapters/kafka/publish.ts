import type { Admin } from 'kafkajs';
import type { PartitionEnds } from '../../model/references.ts';
import { clusterError, kafkaClient, withAdmin, type KafkaOptions, type KafkaWithMarkers } from './client.ts';
import { openCluster, type OpenCluster } from './wire/cluster.ts';
import { asKafkaError } from './errors.ts';
import { MarkerLog } from './marker-log.ts';
import { ensureMarkerTopic } from './marker-topic.ts';
import { encodeMarker, endsOf, markerKey, markerPartition, type Marker } from './markers.ts';
import { encodeHeaders, RecordBatch } from './wire/record-batch.ts';
import { MAX_REQUEST_BYTES_PER_PARTITION, Sender, type OpenTopic } from './sender.ts';
import { configNumber, readConfigs } from './topic-configs.ts';
import { ensureTopicThrough, requireFewPartitions } from './topics.ts';
import type { TopicShape } from './wire/create-topics.ts';
import { PublishTransaction } from './wire/transaction.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** A set of messages that is published atomically and exactly once. */
export interface MessageSet {
  /** The set's permanent id; an id is published only once. */
  readonly id: string;
  /** The messages, in order; iterated once per attempt. Each has at most {@link fetchMaxMessageBytes} {@link messageBytes}. */
  readonly messages: AsyncIterable<readonly OutgoingMessage[]>;
}

/** The result of publishing a set. */
export interface PublishedSet {
  /** For each partition with messages of the set, the offset after the last one. */
  readonly ends: PartitionEnds;
  /** Whether an earlier attempt or another run had published the set. */
  readonly wasPublishedBefore: boolean;
}

const MAX_MESSAGE_BYTES = 'max.message.bytes';

/** Reads a topic's `max.message.bytes`: the maximum size of a record batch. */
export async function fetchMaxMessageBytes(options: KafkaOptions, topic: string): Promise<number> {
  return withAdmin(options, (admin) => readMaxBytes(admin, topic));
}

async function readMaxBytes(admin: Admin, topic: string): Promise<number> {
  return configNumber(topic, await readConfigs(admin, topic, [MAX_MESSAGE_BYTES]), MAX_MESSAGE_BYTES);
}

/** Publishes sets of messages to one topic, over its own connections; the caller closes it. */
export class Publisher {
  /** The maximum {@link messageBytes} of a message to this topic. */
  readonly maxBytes: number;
  readonly #admin: Admin;
  readonly #open: OpenCluster;
  readonly #topic: OpenTopic;
  readonly #markerTopic: string;
  readonly #markers: MarkerLog;
  /** Empty batches whose buffers are reused. */
  readonly #spare: RecordBatch[] = [];

  private constructor(
    options: KafkaWithMarkers,
    admin: Admin,
    open: OpenCluster,
    topic: OpenTopic & { readonly maxBytes: number },
  ) {
    this.#admin = admin;
    this.#open = open;
    this.#topic = topic;
    this.#markerTopic = options.markerTopic;
    this.#markers = new MarkerLog(options, open);
    this.maxBytes = topic.maxBytes;
  }

  /**
   * Connects to the cluster and reads the topic's metadata.
   * @param shape If set, a missing topic is created.
   * @throws {PipelineError} PAYLOAD_TOO_LARGE where the topic has too many partitions, KAFKA_UNREACHABLE or KAFKA_REFUSED
   */
  static async open(options: KafkaWithMarkers, name: string, shape?: TopicShape): Promise<Publisher> {
    const admin = kafkaClient(options, 'publish').admin();
    const open = openCluster(options, 'publish');
    try {
      await admin.connect();
      if (shape !== undefined) await ensureTopicThrough(options, admin, name, shape);
      const maxBytes = await readMaxBytes(admin, name);
      await ensureMarkerTopic(options, admin);
      const topic = { name, maxBytes, partitions: await partitionsOf(admin, name) };
      requireFewPartitions(name, topic.partitions);
      await open.cluster.connect();
      return new Publisher(options, admin, open, topic);
    } catch (error) {
      await admin.disconnect();
      await open.cluster.disconnect();
      throw await clusterError(options, error, `topic ${name}`);
    }
  }

  /**
   * Publishes a set and its marker atomically, in one transaction. InitProducerId fences every older attempt before
   * the marker is read, so the latest attempt cannot miss an earlier commit.
   * @param after Nothing is sent before it resolves; the transaction begins and the first messages are encoded
   * meanwhile. Rejects if it rejects.
   * @throws {PipelineError} PUBLISH_FENCED, KAFKA_UNREACHABLE or KAFKA_REFUSED; consumers see no message of a failed
   * attempt, unless its commit succeeded and the answer was lost, which the next attempt finds out by the marker.
   */
  async publishOnce(set: MessageSet, after: Promise<unknown> = Promise.resolve()): Promise<PublishedSet> {
    try {
      const transaction = await beginTransaction(this.#open, set.id);
      return await this.#publishIn(transaction, set, after);
    } catch (error) {
      throw asKafkaError(error, `topic ${this.#topic.name}, for the set ${set.id},`);
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
    await this.#open.cluster.disconnect();
  }

  async #publishIn(
    transaction: PublishTransaction,
    set: MessageSet,
    after: Promise<unknown>,
  ): Promise<PublishedSet> {
    const key = markerKey(this.#topic.name, set.id);
    try {
      const before = await this.#markers.find(key);
      if (before !== undefined) return await abortAsBefore(transaction, before);
      // Ahead of the messages, while those of the previous set are sent.
      await transaction.addPartitions(this.#markerTopic, [markerPartition(key)]);
      const { firsts, ends } = await this.#sendAll(transaction, set.messages, after);
      const offset = await this.#sendMarker(transaction, key, encodeMarker(firsts, ends));
      // The leader has acknowledged this offset, so that a read up to it cannot be of a stale leader, as the first can.
      const missed = await this.#markers.find(key, offset);
      if (missed !== undefined) return await abortAsBefore(transaction, missed);
      await transaction.commit();
      return { ends, wasPublishedBefore: false };
    } catch (error) {
      // If this fails too: the next attempt bumps the epoch, and reads from the marker whether this one was committed.
      await transaction.abort().catch(() => undefined);
      throw error;
    }
  }

  /** Sends the marker; returns its offset. */
  async #sendMarker(transaction: PublishTransaction, key: string, value: string): Promise<bigint> {
    const batch = new RecordBatch();
    batch.add({ key: Buffer.from(key), value: Buffer.from(value), headers: encodeHeaders([]) });
    const partition = markerPartition(key);
    const [stored] = await transaction.send(this.#markerTopic, new Map([[partition, batch]]));
    return BigInt(stored?.firstOffset ?? 0);
  }

  async #sendAll(
    transaction: PublishTransaction,
    all: MessageSet['messages'],
    after: Promise<unknown>,
  ): Promise<Pick<Sender, 'firsts' | 'ends'>> {
    const maxPartitionBytes = Math.min(MAX_REQUEST_BYTES_PER_PARTITION, this.maxBytes);
    const sender = new Sender({
      transaction,
      after,
      topic: this.#topic,
      maxPartitionBytes,
      spare: this.#spare,
    });
    try {
      for await (const messages of all) {
        for (const message of messages) {
          const full = sender.add(message);
          if (full !== undefined) await full;
        }
      }
      await sender.end();
      return sender;
    } catch (error) {
      await sender.settle();
      throw error;
    }
  }
}

/** Aborts the transaction of a set that was published before. */
async function abortAsBefore(transaction: PublishTransaction, before: Marker): Promise<PublishedSet> {
  await transaction.abort();
  return { ends: endsOf(before), wasPublishedBefore: true };
}

/**
 * Begins the transaction of a set, which fences every older attempt.
 * @param open A connected cluster.
 */
export async function beginTransaction(open: OpenCluster, id: string): Promise<PublishTransaction> {
  return PublishTransaction.begin(open, `publish:${id}`);
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}
