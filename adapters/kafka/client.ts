import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { Kafka, logLevel, type Admin, type KafkaConfig, type Mechanism, type SASLOptions } from 'kafkajs';
import { requireConfidential } from '../../model/confidential.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Offset, PartitionEnds } from '../../model/references.ts';
import { secretOf } from '../../model/secrets.ts';
import type { Sasl, TlsFiles } from '../../model/settings-servers.ts';
import { probe, type ConnectionFault } from '../net/connection-faults.ts';
import {
  REQUEST_TIMEOUT_MS,
  brokerErrorType,
  asKafkaError,
  brokerAddressOf,
  isSilentClose,
} from './errors.ts';
import type { Logger } from '../log.ts';
import { readTls } from '../net/tls.ts';
import { plainAuthenticator } from './wire/internals.ts';

/** How to connect to a cluster: the setting `kafka`. */
export interface KafkaOptions {
  /** Bootstrap servers, each as host:port. */
  readonly brokers: readonly string[];
  readonly tls?: (TlsFiles & { readonly serverName?: string | undefined }) | undefined;
  readonly sasl?: Sasl | undefined;
  /** Whether SASL PLAIN may send the password to another host without TLS. */
  readonly allowCleartext?: boolean | undefined;
  /** Timeout of a request, in milliseconds; {@link REQUEST_TIMEOUT_MS} by default. */
  readonly requestTimeoutMs?: number;
  readonly logger: Logger;
}

/** A cluster to publish to, with its topic of markers. */
export interface KafkaWithMarkers extends KafkaOptions {
  /** The topic of markers; see markers.ts. */
  readonly markerTopic: string;
  /** How long a marker is kept at least, as a duration. */
  readonly markerRetention: string;
  /** The replication factor of a topic that is created. */
  readonly replicationFactor: number;
}

/** The readable offsets of a partition: from `earliest` to before `end`. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly earliest: Offset;
  /** The last stable offset (LSO): the first offset of the oldest open transaction, or the high watermark. */
  readonly end: Offset;
}

const CONNECTION_TIMEOUT_MS = 5_000;

/** Timeout and poll interval while a cluster creates a topic, or loads its coordinators. */
export const LOADING_TIMEOUT_MS = 20_000;
export const LOADING_INTERVAL_MS = 100;

/** Timeout and poll interval while brokers write the commit markers of a transaction. */
const MARKERS_TIMEOUT_MS = 2_000;
const MARKERS_INTERVAL_MS = 20;

/** Covers a leader election; Temporal retries the activity after a longer outage. */
const RETRY = { retries: 6, initialRetryTime: 50, maxRetryTime: 2_000, factor: 0, multiplier: 2 };

/**
 * Creates a client. Certificates and the password are read again for each client, so that files can be renewed and
 * the password is kept nowhere else.
 * @param suffix Ends the client id, which brokers log.
 * @throws {PipelineError} SETTINGS_INVALID for a missing file or environment variable.
 */
export function kafkaClient(options: KafkaOptions, suffix: string): Kafka {
  return new Kafka(clientConfig(options, suffix));
}

/** Returns the configuration of {@link kafkaClient}. */
export function clientConfig(options: KafkaOptions, suffix: string) {
  return {
    clientId: `assessment-pipeline-${suffix}`,
    brokers: [...options.brokers],
    ...securityConfig(options),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, error } = entry.log;
      options.logger.debug({ kafka: entry.namespace, error: error as unknown }, message);
    },
  } satisfies KafkaConfig;
}

function securityConfig(options: KafkaOptions): Partial<KafkaConfig> {
  const { tls, sasl } = options;
  return {
    ...(tls === undefined ? {} : { ssl: tlsConfig(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslConfig(sasl, options) }),
  };
}

function saslConfig(
  { mechanism, user, passwordVariable }: Sasl,
  { tls, allowCleartext }: KafkaOptions,
): SASLOptions | Mechanism {
  const password = secretOf(passwordVariable, 'the password of kafka.sasl');
  const login: SASLOptions = { mechanism, username: user, password };
  if (login.mechanism !== 'plain') return login;
  const authenticate = plainAuthenticator(login);
  // Checked per broker: the hosts come from the cluster's metadata and can differ from the settings.
  return {
    mechanism,
    authenticationProvider: (broker) => {
      requireConfidentialLogin(broker.host, { tls, allowCleartext });
      return authenticate(broker);
    },
  };
}

/** @throws {PipelineError} SETTINGS_INVALID, with `retriable: false` so that kafkajs does not retry. */
function requireConfidentialLogin(
  host: string,
  { tls, allowCleartext }: Pick<KafkaOptions, 'tls' | 'allowCleartext'>,
): void {
  const secret = 'the password of kafka.sasl';
  const setting = 'kafka.allowCleartext';
  try {
    requireConfidential({ secret, host, tls: tls !== undefined, allowCleartext, setting });
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    throw Object.assign(error, { retriable: false });
  }
}

function tlsConfig(tls: NonNullable<KafkaOptions['tls']>): ConnectionOptions {
  const { serverName } = tls;
  return { ...readTls(tls, 'kafka.tls'), ...(serverName === undefined ? {} : { servername: serverName }) };
}

/** Calls `use` with a connected admin client, and disconnects it afterwards. */
export async function withAdmin<T>(options: KafkaOptions, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(options, 'admin').admin();
  try {
    await admin.connect();
    return await use(admin);
  } catch (error) {
    throw await clusterError(options, error);
  } finally {
    await admin.disconnect();
  }
}

/** Converts an error of a request or a connection to a PipelineError; probes the broker if it just closed the connection. */
export async function clusterError(
  options: KafkaOptions,
  error: unknown,
  subject = `the Kafka cluster at ${options.brokers.join(', ')}`,
): Promise<PipelineError> {
  return isSilentClose(error) ? explainClose(options, subject, error) : asKafkaError(error, subject);
}

/** Probes a broker that closed the connection without an answer, as it does for a wrong protocol (TLS, SASL). */
async function explainClose(options: KafkaOptions, subject: string, error: unknown): Promise<PipelineError> {
  const broker = brokerAddressOf(error);
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(broker) ?? [];
  const tls = options.tls === undefined ? undefined : tlsConfig(options.tls);
  const fault = (await probe({ host, port: Number(port), tls })) ?? unexplainedClose(options);
  return new PipelineError(
    fault.isPermanent ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE',
    `${subject}: ${broker}: ${fault.reason}`,
    { cause: error },
  );
}

function unexplainedClose({ sasl }: KafkaOptions): ConnectionFault {
  const why = sasl === undefined ? ', as one that asks for a login (kafka.sasl) does' : '';
  return { reason: `it closed the connection without an answer${why}`, isPermanent: false };
}

/** Returns the readable offsets of each partition of a topic, ordered by partition. */
export async function topicOffsets(options: KafkaOptions, topic: string): Promise<PartitionOffsets[]> {
  return withAdmin(options, async (admin) => {
    // kafkajs calls the last stable offset `high`.
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets
      .map(({ partition, low, high }) => ({ partition, earliest: low, end: high }))
      .sort((a, b) => a.partition - b.partition);
  });
}

/**
 * Returns {@link topicOffsets} once each partition's last stable offset is past the messages of a commit. Brokers write
 * commit markers after they acknowledge EndTxn, mostly within milliseconds. If another producer's open transaction holds
 * the last stable offset back, returns the current offsets after {@link MARKERS_TIMEOUT_MS}.
 * @param ends For each partition, the offset after the last message of the commit.
 */
export async function waitForOffsetsPast(
  options: KafkaOptions,
  topic: string,
  ends: PartitionEnds,
): Promise<PartitionOffsets[]> {
  const deadline = Date.now() + MARKERS_TIMEOUT_MS;
  for (;;) {
    const offsets = await topicOffsets(options, topic);
    const isPast = offsets.every(({ partition, end }) => BigInt(end) > BigInt(ends[partition] ?? '-1'));
    if (isPast || Date.now() > deadline) return offsets;
    await sleep(MARKERS_INTERVAL_MS);
  }
}

/** Errors of a coordinator while __consumer_offsets is created or loaded: on a new or just restarted cluster. */
const COORDINATOR_LOADING = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
]);

/** Retries a request while its group coordinator loads; kafkajs does so for consumers only. */
export async function retryWhileCoordinatorLoads<T>(send: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOADING_TIMEOUT_MS;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!COORDINATOR_LOADING.has(brokerErrorType(error) ?? '') || Date.now() > deadline) throw error;
      await sleep(LOADING_INTERVAL_MS);
    }
  }
}
