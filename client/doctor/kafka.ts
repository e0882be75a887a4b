import { markerTopicShape } from '../../adapters/kafka/marker-topic.ts';
import {
  checkMarkerTopic,
  countBrokers,
  filterExistingTopics,
  probePublishing,
} from '../../adapters/kafka/probe.ts';
import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { topicNamesCollide, requireCreatable } from '../../adapters/kafka/topics.ts';
import type { TopicShape } from '../../adapters/kafka/wire/create-topics.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { failed, ok, type DoctorFinding } from './check.ts';

/**
 * Checks that the cluster is reachable, that the topics of the sources and that of the markers can be published to or
 * created, and that the settings of the latter keep the markers.
 */
export async function checkKafka(
  options: KafkaWithMarkers,
  { sources, kafka }: Settings,
): Promise<DoctorFinding[]> {
  const brokers = await countBrokers(options);
  const reached = ok(
    'kafka',
    `reached at ${options.brokers.join(', ')}; ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}`,
  );
  const topics = [...new Set(Object.values(sources).map(({ topic }) => topic))];
  const all = [...topics, options.markerTopic];
  const existing = new Set(await filterExistingTopics(options, all));
  const findings = all.map((topic) => {
    const shape = topic === options.markerTopic ? markerTopicShape(options) : kafka;
    return existing.has(topic) ? checkTopic(options, topic) : checkMissing(options, topic, all, shape);
  });
  return [reached, ...(await Promise.all(findings))];
}

async function checkMissing(
  options: KafkaWithMarkers,
  topic: string,
  all: readonly string[],
  shape: TopicShape,
): Promise<DoctorFinding> {
  const subject = `kafka topic ${topic}`;
  try {
    await requireCreatable(options, topic, shape);
    requireDistinct(topic, all);
    return ok(subject, 'does not exist yet; the first run creates it');
  } catch (error) {
    return failed(subject, error);
  }
}

/** Compares the names of topics that do not exist yet: the broker cannot detect their collisions. */
function requireDistinct(topic: string, all: readonly string[]): void {
  const other = all.find((one) => one !== topic && topicNamesCollide(one, topic));
  if (other === undefined) return;
  const why = 'Kafka treats . and _ in the names of topics as the same: choose another name';
  throw new PipelineError(
    'KAFKA_REFUSED',
    `its name collides with that of another source's topic, ${other} (${why})`,
  );
}

async function checkTopic(options: KafkaWithMarkers, topic: string): Promise<DoctorFinding> {
  const subject = `kafka topic ${topic}`;
  try {
    if (topic === options.markerTopic) await checkMarkerTopic(options);
    await probePublishing(options, topic);
    const kept = topic === options.markerTopic ? `keeps markers for ${options.markerRetention}; ` : '';
    return ok(subject, `${kept}accepts transactions (one was aborted, which uses two offsets)`);
  } catch (error) {
    return failed(subject, error);
  }
}
