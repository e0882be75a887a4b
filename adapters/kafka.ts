import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Admin, type KafkaConfig } from 'kafkajs';
import { PipelineError, messageOf, type ErrorCode } from '../model/errors.ts';
import type { Offset } from '../model/references.ts';
import { registerCodecs } from './kafka-codecs.ts';
import type { Logger } from './log.ts';

/** Which cluster to use. */
export interface KafkaOptions {
  /** host:port of one broker or more. */
  readonly brokers: readonly string[];
  readonly logger: Logger;
}

/** The offsets of a partition that can be read: from `earliest` up to before `end`. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly earliest: Offset;
  /** The last stable offset: what stands before it belongs to no open transaction. */
  readonly end: Offset;
}

const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Client retries cover a leader's election; what takes longer is retried by the step. */
const RETRY = { retries: 6, initialRetryTime: 50, maxRetryTime: 2_000, factor: 0, multiplier: 2 };

registerCodecs();

/** A client of the cluster; `suffix` tells its purpose in the broker's logs. */
export function kafkaClient(options: KafkaOptions, suffix: string): Kafka {
  const config: KafkaConfig = {
    clientId: `assessment-pipeline-${suffix}`,
    brokers: [...options.brokers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, error } = entry.log;
      options.logger.debug({ kafka: entry.namespace, error: error as unknown }, message);
    },
  };
  return new Kafka(config);
}

/** Runs something with an admin connection, which is closed afterwards. */
export async function withAdmin<T>(options: KafkaOptions, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(options, 'admin').admin();
  try {
    await admin.connect();
    return await use(admin);
  } catch (error) {
    throw asKafkaError(error, `the Kafka cluster at ${options.brokers.join(', ')}`);
  } finally {
    await admin.disconnect();
  }
}

/** Makes a topic where there is none. One that exists is left as it is. */
export async function ensureTopic(
  options: KafkaOptions,
  topic: string,
  shape: { readonly partitions: number; readonly replicationFactor: number },
): Promise<void> {
  await withAdmin(options, async (admin) => {
    if ((await admin.listTopics()).includes(topic)) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: shape.partitions, replicationFactor: shape.replicationFactor }],
    });
  });
}

/** What can be read of each partition of a topic, in order of the partitions. */
export async function topicOffsets(options: KafkaOptions, topic: string): Promise<PartitionOffsets[]> {
  return withAdmin(options, async (admin) => {
    // kafkajs calls the last stable offset `high`.
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets
      .map(({ partition, low, high }) => ({ partition, earliest: low, end: high }))
      .sort((a, b) => a.partition - b.partition);
  });
}

/** What a broker answers while it makes or loads its topic of group offsets: a new cluster, or one just restarted. */
const LOADING = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
]);
const LOADING_WITHIN_MS = 20_000;
const LOADING_PAUSE_MS = 100;

/** Asks a group's coordinator again while it is not ready, which kafkajs does for consumers but not for an admin. */
export async function whileCoordinatorLoads<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOADING_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!LOADING.has(answerOf(error) ?? '') || Date.now() > deadline) throw error;
      await sleep(LOADING_PAUSE_MS);
    }
  }
}

const LASTING = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REPLICATION_FACTOR',
  'UNSUPPORTED_VERSION',
]);

/** How a broker says that a newer producer of the same transactional id has begun, or ends this one's transaction. */
const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_TXN_STATE',
  'CONCURRENT_TRANSACTIONS',
]);

/** Turns an error of the Kafka client into a named one; named ones stay as they are, also where it wraps them. */
export function asKafkaError(thrown: unknown, subject: string): PipelineError {
  const named = namedIn(thrown);
  if (named !== undefined) return named;
  const type = answerOf(thrown);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new PipelineError('KAFKA_REFUSED', `${subject} does not exist`, { cause: thrown });
  }
  const answer = `${subject} answered: ${type === undefined ? '' : `${type}: `}${messageOf(thrown)}`;
  return new PipelineError(codeOf(type, thrown), answer, { cause: thrown });
}

function namedIn(thrown: unknown): PipelineError | undefined {
  if (thrown instanceof PipelineError) return thrown;
  return thrown instanceof Error ? namedIn(thrown.cause) : undefined;
}

function codeOf(type: string | undefined, thrown: unknown): ErrorCode {
  if (type !== undefined && FENCED.has(type)) return 'PUBLISH_FENCED';
  return (type !== undefined && LASTING.has(type)) || isAuthentication(thrown)
    ? 'KAFKA_REFUSED'
    : 'KAFKA_UNREACHABLE';
}

/** What the broker answered: kafkajs gives it as the type of an error, or of what its retries ended with. */
function answerOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  return 'type' in thrown ? String(thrown.type) : answerOf(thrown.cause);
}

function isAuthentication(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'KafkaJSSASLAuthenticationError';
}
