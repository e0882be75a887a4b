import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatNumber } from '../../model/figures.ts';
import { MAX_PARTITIONS } from '../../model/references.ts';
import { openCluster } from './wire/cluster.ts';
import { validateTopic, type TopicRefusal, type TopicShape } from './wire/create-topics.ts';
import { answerOf, asKafkaError } from './errors.ts';
import {
  LOADING_INTERVAL_MS,
  LOADING_TIMEOUT_MS,
  clusterError,
  withAdmin,
  type KafkaOptions,
} from './client.ts';

/** What a person can do about an answer of the broker; which does not say so itself. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['INVALID_REPLICATION_FACTOR', 'see kafka.replicationFactor of pipeline.yaml'],
  ['INVALID_PARTITIONS', 'see kafka.partitions of pipeline.yaml'],
  ['INVALID_TOPIC_EXCEPTION', 'Kafka treats . and _ in the names of topics as the same: choose another name'],
]);

/**
 * Makes a topic where there is none. One that exists is left as it is.
 * @throws {PipelineError} KAFKA_REFUSED with the broker's reason, KAFKA_UNREACHABLE
 */
export async function ensureTopic(options: KafkaOptions, topic: string, shape: TopicShape): Promise<void> {
  await withAdmin(options, (admin) => ensureTopicThrough(options, admin, topic, shape));
}

/** As {@link ensureTopic}, over a connection that is open. */
export async function ensureTopicThrough(
  options: KafkaOptions,
  admin: Admin,
  topic: string,
  shape: TopicShape,
): Promise<void> {
  const isKnown = async (): Promise<boolean> => (await admin.listTopics()).includes(topic);
  if (await isKnown()) return;
  await requireCreatable(options, topic, shape);
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: shape.partitions, replicationFactor: shape.replicationFactor }],
    });
  } catch (error) {
    // It is made, and the broker that was asked for its leaders does not know it yet.
    if (answerOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
  }
  // A busy cluster takes a moment until it knows what it made, for this caller or for another at the same time.
  const deadline = Date.now() + LOADING_TIMEOUT_MS;
  while (!(await isKnown()) && Date.now() < deadline) await sleep(LOADING_INTERVAL_MS);
}

/**
 * Has the broker validate the creation of a topic, without creating it.
 * @throws {PipelineError} KAFKA_REFUSED with the broker's reason where it would refuse it, as for a name that collides
 * with another topic's or too many replicas; KAFKA_UNREACHABLE
 */
export async function requireCreatable(
  options: KafkaOptions,
  topic: string,
  shape: TopicShape,
): Promise<void> {
  const { cluster } = openCluster(options, 'create-topic');
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
    const refused = await validateTopic(cluster, topic, shape);
    if (refused !== undefined) throw refusal(topic, refused);
  } catch (error) {
    throw await clusterError(options, error, subjectOf(topic));
  } finally {
    await cluster.disconnect();
  }
}

/**
 * Makes sure that a run can name offsets of each partition of a topic.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE
 */
export function requireFewPartitions(topic: string, partitions: number): void {
  if (partitions <= MAX_PARTITIONS) return;
  throw new PipelineError(
    'PAYLOAD_TOO_LARGE',
    `${subjectOf(topic)} has ${formatNumber(partitions)} partitions; a run can name the offsets of ${formatNumber(MAX_PARTITIONS)}`,
  );
}

/** Two topics of these names cannot be in one cluster: the names of their metrics would be the same. */
export function topicNamesCollide(one: string, other: string): boolean {
  return one.replaceAll('.', '_') === other.replaceAll('.', '_');
}

function refusal(topic: string, { error, message }: TopicRefusal): PipelineError {
  const type = answerOf(error) ?? '';
  const { code } = asKafkaError(error, subjectOf(topic));
  const advice = ADVICE.get(type);
  const words = `${type}: ${message ?? messageOf(error)}${advice === undefined ? '' : ` (${advice})`}`;
  return new PipelineError(code, `${subjectOf(topic)} cannot be created: ${words}`, { cause: error });
}

function subjectOf(topic: string): string {
  return `topic ${topic}`;
}
