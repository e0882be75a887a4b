import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';
import { runLoggedCommand } from './command.ts';
import { formatOnce } from './format.ts';
import type { StackFolder } from './folder.ts';
import { installProductJars, type Progress } from './install.ts';
import { LOOPBACK_HOST, type Ports } from './ports.ts';
import { CHECK_MS, type Service } from './service.ts';
import { JAVA_OPTIONS, requireJava } from './tools.ts';

/** Extra options of a broker, such as TLS and a login. */
export interface KafkaExtras {
  /** Broker settings, which override those of the same name. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Extra arguments of the command that formats its storage, such as `--add-scram=…`. */
  readonly formatWords?: readonly string[];
}

/** Returns one Kafka broker that is its own controller (KRaft). */
export function kafkaService(ports: Ports['kafka'], folder: StackFolder, extras: KafkaExtras = {}): Service {
  const broker = `${LOOPBACK_HOST}:${ports.broker}`;
  return {
    name: 'kafka',
    ports: Object.values(ports),
    addresses: { brokers: broker },
    prepare: (progress) => prepare(ports, folder, extras, progress),
    check: () => describe(broker),
  };
}

async function prepare(
  ports: Ports['kafka'],
  folder: StackFolder,
  { properties: own = {}, formatWords = [] }: KafkaExtras,
  progress: Progress,
) {
  const java = requireJava();
  const jars = await installProductJars('kafka', progress);
  const config = folder.config('kafka');
  const data = folder.data('kafka');
  const properties = join(config, 'server.properties');
  const options = [
    ...JAVA_OPTIONS,
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=info',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
    // It logs every setting, hundreds of lines, several times per start.
    '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn',
    ...['-cp', join(jars, '*')],
  ];
  await makePrivateFolder(config);
  await writeFile(properties, propertiesText({ ...serverProperties(ports, data), ...own }), {
    mode: PRIVATE_FILE_MODE,
  });
  await formatOnce(data, () => {
    const clusterId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
    const args = [
      ...options,
      'kafka.tools.StorageTool',
      'format',
      `--cluster-id=${clusterId}`,
      `--config=${properties}`,
      ...formatWords,
    ];
    return runLoggedCommand(
      'Formatting the storage of Kafka',
      { program: java, args },
      join(config, 'format.log'),
    );
  });
  return {
    program: java,
    args: ['-Xmx512m', ...options, 'kafka.Kafka', properties],
  };
}

function serverProperties(ports: Ports['kafka'], data: string): Record<string, string | number | boolean> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${LOOPBACK_HOST}:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${LOOPBACK_HOST}:${ports.broker},CONTROLLER://${LOOPBACK_HOST}:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://${LOOPBACK_HOST}:${ports.broker}`,
    'log.dirs': join(data, 'log'),
    'num.partitions': 6,
    'auto.create.topics.enable': false,
    // A single broker allows one replica.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    // After a kill the broker waits for its old registration to expire: 12 s by default, 3 s with these settings.
    'broker.session.timeout.ms': 1_500,
    'broker.heartbeat.interval.ms': 300,
    // The default is a quarter of this heap.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  };
}

/** Formats a Java properties file. */
function propertiesText(properties: Record<string, string | number | boolean>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('');
}

async function describe(broker: string): Promise<void> {
  const kafka = new Kafka({
    clientId: 'services',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: CHECK_MS,
    requestTimeout: CHECK_MS,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    if (brokers.length === 0)
      throw new PipelineError('SERVICE_NOT_READY', 'the broker is not yet registered');
  } finally {
    await admin.disconnect();
  }
}
