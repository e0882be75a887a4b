import type { Admin } from 'kafkajs';
import { parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { KafkaWithMarkers } from './client.ts';
import { MARKER_PARTITIONS } from './markers.ts';
import { readConfigs } from './topic-configs.ts';
import { ensureTopicThrough } from './topics.ts';
import type { TopicShape } from './wire/create-topics.ts';

/** With this many replicas, a write is acknowledged by two: then none is lost with one broker. */
const MIN_REPLICAS_FOR_TWO = 3;

/** Kafka's default; a marker of the largest topic allowed has a third of it. */
const MAX_MESSAGE_BYTES = 1_048_588;

/** A setting of the topic of markers that exactly-once publishing depends on. */
interface RequiredConfig {
  readonly name: string;
  /** The value at creation. */
  readonly value: string;
  readonly accepts: (value: string) => boolean;
}

/** Creates the topic of markers unless it exists, and checks its settings. */
export async function ensureMarkerTopic(options: KafkaWithMarkers, admin: Admin): Promise<void> {
  await ensureTopicThrough(options, admin, options.markerTopic, markerTopicShape(options));
  await requireMarkerTopic(options, admin);
}

/** Returns the shape of the topic of markers at its creation. */
export function markerTopicShape(options: KafkaWithMarkers): TopicShape {
  const { replicationFactor } = options;
  const config = requiredConfigs(options, replicationFactor).map(({ name, value }) => ({ name, value }));
  return { partitions: MARKER_PARTITIONS, replicationFactor, config };
}

/**
 * Checks the settings of the existing topic of markers: none is left to a default of the brokers.
 * @throws {PipelineError} KAFKA_REFUSED, naming each wrong setting and what is required.
 */
export async function requireMarkerTopic(options: KafkaWithMarkers, admin: Admin): Promise<void> {
  const { markerTopic: topic } = options;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions ?? [];
  const required = requiredConfigs(options, partitions[0]?.replicas.length ?? 1);
  const values = await readConfigs(
    admin,
    topic,
    required.map(({ name }) => name),
  );
  const wrong = required
    .filter(({ name, accepts }) => !accepts(values.get(name) ?? ''))
    .map(({ name, value }) => `${name} is ${values.get(name) ?? 'unknown'}, not ${value}`);
  if (partitions.length < MARKER_PARTITIONS)
    wrong.unshift(`its number of partitions is ${partitions.length}, not ${MARKER_PARTITIONS}`);
  if (wrong.length === 0) return;
  throw new PipelineError(
    'KAFKA_REFUSED',
    `topic ${topic}, of the markers by which records are published once, has wrong settings: ${wrong.join('; ')}. ` +
      'Correct them with kafka-configs.sh --alter; markerRetention of pipeline.yaml is the shortest time to keep',
  );
}

function requiredConfigs(
  { markerRetention }: Pick<KafkaWithMarkers, 'markerRetention'>,
  replicas: number,
): RequiredConfig[] {
  const retentionMs = (parseDuration(markerRetention) ?? 0) * 1000;
  const minInSync = replicas >= MIN_REPLICAS_FOR_TWO ? 2 : 1;
  return [
    exactly('cleanup.policy', 'delete'),
    {
      name: 'retention.ms',
      value: String(retentionMs),
      accepts: (value) => value === '-1' || Number(value) >= retentionMs,
    },
    exactly('retention.bytes', '-1'),
    // The broker's clock decides what is old, not a producer's.
    exactly('message.timestamp.type', 'LogAppendTime'),
    exactly('unclean.leader.election.enable', 'false'),
    atLeast('min.insync.replicas', minInSync),
    atLeast('max.message.bytes', MAX_MESSAGE_BYTES),
  ];
}

function exactly(name: string, value: string): RequiredConfig {
  return { name, value, accepts: (found) => found === value };
}

function atLeast(name: string, value: number): RequiredConfig {
  return { name, value: String(value), accepts: (found) => Number(found) >= value };
}
