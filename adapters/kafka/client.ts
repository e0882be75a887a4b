import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { Kafka, logLevel, type Admin, type KafkaConfig, type Mechanism, type SASLOptions } from 'kafkajs';
import { requireConfidential } from '../../model/confidential.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Offset, PartitionEnds } from '../../model/references.ts';
import { secretOf } from '../../model/secrets.ts';
import type { Sasl, TlsFiles } from '../../model/settings-servers.ts';
import { probe, type ConnectionFault } from '../net/connection-faults.ts';
import { REQUEST_TIMEOUT_MS, answerOf, asKafkaError, brokerOf, isSilentClose } from './errors.ts';
import type { Logger } from '../log.ts';
import { readTls } from '../net/tls.ts';
import { plainAuthenticator } from './wire/internals.ts';

/** Which cluster to use, and how: as `kafka` of the settings. */
export interface KafkaOptions {
  /** host:port of one broker or more. */
  readonly brokers: readonly string[];
  readonly tls?: (TlsFiles & { readonly serverName?: string | undefined }) | undefined;
  readonly sasl?: Sasl | undefined;
  /** Whether the password of a login with `plain` may be sent without TLS to another host. */
  readonly allowCleartext?: boolean | undefined;
  /** How long a broker may take to answer a request, in milliseconds; {@link REQUEST_TIMEOUT_MS} by default. */
  readonly requestTimeoutMs?: number;
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

/** How long a cluster may take to know what was just made or loaded, and how often it is asked meanwhile. */
export const LOADING_TIMEOUT_MS = 20_000;
export const LOADING_INTERVAL_MS = 100;

/** How long the markers of commits are waited for, and how often it is looked for them meanwhile. */
const MARKERS_TIMEOUT_MS = 2_000;
const MARKERS_INTERVAL_MS = 20;

/** Client retries cover a leader's election; what takes longer is retried by the step. */
const RETRY = { retries: 6, initialRetryTime: 50, maxRetryTime: 2_000, factor: 0, multiplier: 2 };

/**
 * A client of the cluster; `suffix` tells its purpose in the broker's logs. Certificates and the password are read
 * for each client anew, so that the files can be renewed and the password stands nowhere else.
 * @throws {PipelineError} SETTINGS_INVALID for a file or a variable that is not there.
 */
export function kafkaClient(options: KafkaOptions, suffix: string): Kafka {
  return new Kafka(clientConfig(options, suffix));
}

/** How a client reaches the cluster; see {@link kafkaClient}. */
export function clientConfig(options: KafkaOptions, suffix: string) {
  return {
    clientId: `assessment-pipeline-${suffix}`,
    brokers: [...options.brokers],
    ...securityOf(options),
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

function securityOf(options: KafkaOptions): Partial<KafkaConfig> {
  const { tls, sasl } = options;
  return {
    ...(tls === undefined ? {} : { ssl: tlsOf(tls) }),
    ...(sasl === undefined ? {} : { sasl: loginOf(sasl, options) }),
  };
}

function loginOf(
  { mechanism, user, passwordVariable }: Sasl,
  { tls, allowCleartext }: KafkaOptions,
): SASLOptions | Mechanism {
  const password = secretOf(passwordVariable, 'the password of kafka.sasl');
  const login: SASLOptions = { mechanism, username: user, password };
  if (login.mechanism !== 'plain') return login;
  const authenticate = plainAuthenticator(login);
  // Each broker is checked: a cluster names its brokers itself, so they need not be those of the settings.
  return {
    mechanism,
    authenticationProvider: (broker) => {
      requireConfidentialLogin(broker.host, { tls, allowCleartext });
      return authenticate(broker);
    },
  };
}

/** @throws {PipelineError} SETTINGS_INVALID, marked so that the client does not try again. */
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

function tlsOf(tls: NonNullable<KafkaOptions['tls']>): ConnectionOptions {
  const { serverName } = tls;
  return { ...readTls(tls, 'kafka.tls'), ...(serverName === undefined ? {} : { servername: serverName }) };
}

/** Runs something with an admin connection, which is closed afterwards. */
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

/** What an error means that came of asking the cluster, or of connecting to it. */
export async function clusterError(
  options: KafkaOptions,
  error: unknown,
  subject = `the Kafka cluster at ${options.brokers.join(', ')}`,
): Promise<PipelineError> {
  return isSilentClose(error) ? explainClose(options, subject, error) : asKafkaError(error, subject);
}

/** A broker that is spoken to in a way that it does not take closes the connection, and does not say why. */
async function explainClose(options: KafkaOptions, subject: string, error: unknown): Promise<PipelineError> {
  const broker = brokerOf(error);
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(broker) ?? [];
  const tls = options.tls === undefined ? undefined : tlsOf(options.tls);
  const fault = (await probe({ host, port: Number(port), tls })) ?? closedOn(options);
  return new PipelineError(
    fault.isPermanent ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE',
    `${subject}: ${broker}: ${fault.reason}`,
    { cause: error },
  );
}

function closedOn({ sasl }: KafkaOptions): ConnectionFault {
  const why = sasl === undefined ? ', as one that asks for a login (kafka.sasl) does' : '';
  return { reason: `it closed the connection without an answer${why}`, isPermanent: false };
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

/**
 * As {@link topicOffsets}, once the markers of commits are there: a broker writes them after it has confirmed a
 * commit, most of them within milliseconds. An open transaction of somebody else can hide them for longer than they
 * are waited for.
 * @param ends Where the messages of these commits end.
 */
export async function topicOffsetsPast(
  options: KafkaOptions,
  topic: string,
  ends: PartitionEnds,
): Promise<PartitionOffsets[]> {
  const deadline = Date.now() + MARKERS_TIMEOUT_MS;
  for (;;) {
    const offsets = await topicOffsets(options, topic);
    const arePast = offsets.every(({ partition, end }) => BigInt(end) > BigInt(ends[partition] ?? '-1'));
    if (arePast || Date.now() > deadline) return offsets;
    await sleep(MARKERS_INTERVAL_MS);
  }
}

/** What a broker answers while it makes or loads its topic of group offsets: a new cluster, or one just restarted. */
const LOADING = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
]);

/** Asks a group's coordinator again while it is not ready, which kafkajs does for consumers alone. */
export async function whileCoordinatorLoads<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOADING_TIMEOUT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!LOADING.has(answerOf(error) ?? '') || Date.now() > deadline) throw error;
      await sleep(LOADING_INTERVAL_MS);
    }
  }
}
