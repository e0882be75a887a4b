import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { formatNumber } from '../../model/figures.ts';
import { MAX_PARTITIONS } from '../../model/references.ts';
import { openCluster } from './wire/cluster.ts';
import { validateTopic, type TopicRefusal, type TopicShape } from './wire/create-topics.ts';
import { brokerErrorType, asKafkaError } from './errors.ts';
import {
  LOADING_INTERVAL_MS,
  LOADING_TIMEOUT_MS,
  clusterError,
  withAdmin,
  type KafkaOptions,
} from './client.ts';

/** Advice for errors whose message from the broker has none. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['INVALID_REPLICATION_FACTOR', 'see kafka.replicationFactor of pipeline.yaml'],
  ['INVALID_PARTITIONS', 'see kafka.partitions of pipeline.yaml'],
  ['INVALID_TOPIC_EXCEPTION', 'Kafka treats . and _ in the names of topics as the same: choose another name'],
]);

/**
 * Creates a topic unless it exists. An existing topic is not changed.
 * @throws {PipelineError} KAFKA_REFUSED with the broker's reason, KAFKA_UNREACHABLE
 */
export async function ensureTopic(options: KafkaOptions, topic: string, shape: TopicShape): Promise<void> {
  await withAdmin(options, (admin) => ensureTopicThrough(options, admin, topic, shape));
}

/** Does what {@link ensureTopic} does, over an open connection. */
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
      topics: [
        {
          topic,
          numPartitions: shape.partitions,
          replicationFactor: shape.replicationFactor,
          configEntries: [...(shape.config ?? [])],
        },
      ],
    });
  } catch (error) {
    // The topic was created; the broker that was asked for its leaders does not have the metadata yet.
    if (brokerErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
  }
  // Metadata of a new topic takes a moment to reach the brokers, also if another client created it.
  const deadline = Date.now() + LOADING_TIMEOUT_MS;
  while (!(await isKnown()) && Date.now() < deadline) await sleep(LOADING_INTERVAL_MS);
}

/**
 * Has the broker validate the creation of a topic, without creating it.
 * @throws {PipelineError} KAFKA_REFUSED with the broker's reason, such as a colliding name or too many replicas;
 * KAFKA_UNREACHABLE
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
    if (refused !== undefined) throw refusalError(topic, refused);
  } catch (error) {
    throw await clusterError(options, error, subjectOf(topic));
  } finally {
    await cluster.disconnect();
  }
}

/**
 * Checks that a topic has at most {@link MAX_PARTITIONS} partitions: a run's payloads list offsets of each.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE
 */
export function requireFewPartitions(topic: string, partitions: number): void {
  if (partitions <= MAX_PARTITIONS) return;
  throw new PipelineError(
    'PAYLOAD_TOO_LARGE',
    `${subjectOf(topic)} has ${formatNumber(partitions)} partitions; a run can name the offsets of ${formatNumber(MAX_PARTITIONS)}`,
  );
}

/** Whether Kafka refuses to have both topics in one cluster: `.` and `_` are the same in metric names. */
export function topicNamesCollide(one: string, other: string): boolean {
  return one.replaceAll('.', '_') === other.replaceAll('.', '_');
}

function refusalError(topic: string, { error, message }: TopicRefusal): PipelineError {
  const type = brokerErrorType(error) ?? '';
  const { code } = asKafkaError(error, subjectOf(topic));
  const advice = ADVICE.get(type);
  const words = `${type}: ${message ?? messageOf(error)}${advice === undefined ? '' : ` (${advice})`}`;
  return new PipelineError(code, `${subjectOf(topic)} cannot be created: ${words}`, { cause: error });
}

function subjectOf(topic: string): string {
  return `topic ${topic}`;
}
