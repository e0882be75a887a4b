import type { KafkaMessage, Transaction } from 'kafkajs';
import { asKafkaError } from './kafka-errors.ts';
import { kafkaClient, withAdmin, type KafkaOptions } from './kafka.ts';
import { markerOf, transactionalProducer } from './kafka-publish.ts';

/** Names what a probe publishes; it is never there to be read. */
const PROBE = 'doctor';

/** What a probe sends. */
const MESSAGE: Pick<KafkaMessage, 'value'> = { value: Buffer.from('a probe; its transaction is aborted') };

/** How many brokers a cluster has. */
export async function countBrokers(options: KafkaOptions): Promise<number> {
  return withAdmin(options, async (admin) => (await admin.describeCluster()).brokers.length);
}

/** Those of some topics that exist. */
export async function existingOf(options: KafkaOptions, topics: readonly string[]): Promise<string[]> {
  const existing = new Set(await withAdmin(options, (admin) => admin.listTopics()));
  return topics.filter((topic) => existing.has(topic));
}

/**
 * Finds out whether messages and their marker can be published to a topic that exists: sends one, with its
 * marker, and aborts the transaction, so that nobody reads it. It takes two offsets of one partition.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function probePublishing(options: KafkaOptions, topic: string): Promise<void> {
  const producer = transactionalProducer(kafkaClient(options, PROBE), `${PROBE}:${topic}`);
  let transaction: Transaction | undefined;
  try {
    await producer.connect();
    transaction = await producer.transaction();
    await transaction.send({ topic, acks: -1, messages: [{ ...MESSAGE, partition: 0 }] });
    await transaction.sendOffsets({
      consumerGroupId: markerOf(PROBE),
      topics: [{ topic, partitions: [{ partition: 0, offset: '0' }] }],
    });
    await transaction.abort();
  } catch (error) {
    if (transaction?.isActive() === true) await transaction.abort().catch(() => undefined);
    throw asKafkaError(error, `topic ${topic}`);
  } finally {
    await producer.disconnect();
  }
}
