import kafkajs, { type Admin } from 'kafkajs';
import { PipelineError } from '../../model/errors.ts';
import type { PartitionEnds } from '../../model/references.ts';
import { clusterError, kafkaClient, withAdmin, type KafkaOptions } from './client.ts';
import { openCluster, type OpenCluster } from './wire/cluster.ts';
import { asKafkaError } from './errors.ts';
import { endsOf, markerGroupId, markerOffsets, readMarker } from './markers.ts';
import type { RecordBatch } from './wire/record-batch.ts';
import { REQUEST_BYTES_PER_PARTITION, Sender, type OpenTopic } from './sender.ts';
import { ensureTopicThrough, requireFewPartitions } from './topics.ts';
import type { TopicShape } from './wire/create-topics.ts';
import { PublishTransaction } from './wire/transaction.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

/** A set of messages that is published whole, once, however often it is tried. */
export interface MessageSet {
  /** Names the set for ever: the same id is never published a second time. */
  readonly id: string;
  /** The messages in order, a few at a time; read once a try. None may have more {@link messageBytes} than {@link fetchMaxMessageBytes} the topic. */
  readonly messages: AsyncIterable<readonly OutgoingMessage[]>;
}

/** Where a set of messages stands in its topic. */
export interface PublishedSet {
  /** For each partition that got a message, the offset after the set's last one. */
  readonly ends: PartitionEnds;
  /** Whether an earlier try, or another run, had published it. */
  readonly wasPublishedBefore: boolean;
}

/** The most bytes that a topic takes of a partition at once: its setting `max.message.bytes`. */
export async function fetchMaxMessageBytes(options: KafkaOptions, topic: string): Promise<number> {
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

/** Publishes sets of messages to one topic, over connections of its own; to be closed. */
export class Publisher {
  /** The most bytes that a message to this topic may have; see {@link messageBytes}. */
  readonly maxBytes: number;
  readonly #admin: Admin;
  readonly #open: OpenCluster;
  readonly #topic: OpenTopic;
  /** Of sets before, for the next ones. */
  readonly #spare: RecordBatch[] = [];

  private constructor(admin: Admin, open: OpenCluster, topic: OpenTopic, maxBytes: number) {
    this.#admin = admin;
    this.#open = open;
    this.#topic = topic;
    this.maxBytes = maxBytes;
  }

  /**
   * @param shape Given where the topic is to be made if there is none.
   * @throws {PipelineError} PAYLOAD_TOO_LARGE where the topic has too many partitions, KAFKA_UNREACHABLE or KAFKA_REFUSED
   */
  static async open(options: KafkaOptions, name: string, shape?: TopicShape): Promise<Publisher> {
    const admin = kafkaClient(options, 'publish').admin();
    const open = openCluster(options, 'publish');
    try {
      await admin.connect();
      if (shape !== undefined) await ensureTopicThrough(options, admin, name, shape);
      const maxBytes = await readMaxBytes(admin, name);
      const topic = { name, partitions: await partitionsOf(admin, name) };
      requireFewPartitions(name, topic.partitions);
      await open.cluster.connect();
      return new Publisher(admin, open, topic, maxBytes);
    } catch (error) {
      await admin.disconnect();
      await open.cluster.disconnect();
      throw await clusterError(options, error, `topic ${name}`);
    }
  }

  /**
   * Publishes a set in one transaction with its own marker: either all of it and the marker are in the topic,
   * or nothing is. Beginning the transaction fences every older try, and only then is the marker looked for;
   * so whichever try comes last sees the truth.
   * @param after The transaction begins and its first messages are made ready before that is over, but none is sent;
   * where that fails, so does this.
   * @throws {PipelineError} PUBLISH_FENCED, KAFKA_UNREACHABLE or KAFKA_REFUSED; then nothing of this try can be read.
   */
  async publishOnce(set: MessageSet, after: Promise<unknown> = Promise.resolve()): Promise<PublishedSet> {
    try {
      const transaction = await transactionOf(this.#open, set.id);
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
    const { name } = this.#topic;
    try {
      const before = await readMarker(this.#admin, set.id, name);
      if (before !== undefined) {
        await transaction.abort();
        return { ends: endsOf(before), wasPublishedBefore: true };
      }
      transaction.expectOffsets(markerGroupId(set.id));
      const { firsts, ends } = await this.#sendAll(transaction, set.messages, after);
      const marker = markerOffsets(firsts, ends, transaction.producerId);
      await transaction.sendOffsets(markerGroupId(set.id), name, marker);
      await transaction.commit();
      return { ends, wasPublishedBefore: false };
    } catch (error) {
      // Where this fails too, the next try takes a new epoch, and the marker tells it whether this one was committed.
      await transaction.abort().catch(() => undefined);
      throw error;
    }
  }

  async #sendAll(
    transaction: PublishTransaction,
    all: MessageSet['messages'],
    after: Promise<unknown>,
  ): Promise<Pick<Sender, 'firsts' | 'ends'>> {
    const requestBytes = Math.min(REQUEST_BYTES_PER_PARTITION, this.maxBytes);
    const sender = new Sender({ transaction, after, topic: this.#topic, requestBytes, spare: this.#spare });
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

/** Publishes one set to a topic that exists; see {@link Publisher.publishOnce}. */
export async function publishOnce(
  options: KafkaOptions,
  set: MessageSet & { readonly topic: string },
): Promise<PublishedSet> {
  const publisher = await Publisher.open(options, set.topic);
  try {
    return await publisher.publishOnce(set);
  } finally {
    await publisher.close();
  }
}

/**
 * Begins the transaction of a set, which fences every older try.
 * @param open Connected.
 */
export async function transactionOf(open: OpenCluster, id: string): Promise<PublishTransaction> {
  return PublishTransaction.begin(open, `publish:${id}`);
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}
