import { countBrokers, filterExistingTopics, probePublishing } from '../../adapters/kafka/probe.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { topicNamesCollide, requireCreatable } from '../../adapters/kafka/topics.ts';
import type { TopicShape } from '../../adapters/kafka/wire/create-topics.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { failed, ok, type DoctorFinding } from './check.ts';

/** Checks that the cluster is reachable, and that the topic of each source can be published to or created. */
export async function checkKafka(
  options: KafkaOptions,
  { sources, kafka }: Settings,
): Promise<DoctorFinding[]> {
  const brokers = await countBrokers(options);
  const reached = ok(
    'kafka',
    `reached at ${options.brokers.join(', ')}; ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}`,
  );
  const topics = [...new Set(Object.values(sources).map(({ topic }) => topic))];
  const existing = new Set(await filterExistingTopics(options, topics));
  const findings = topics.map((topic) =>
    existing.has(topic) ? checkTopic(options, topic) : checkMissing(options, topic, topics, kafka),
  );
  return [reached, ...(await Promise.all(findings))];
}

async function checkMissing(
  options: KafkaOptions,
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

async function checkTopic(options: KafkaOptions, topic: string): Promise<DoctorFinding> {
  const subject = `kafka topic ${topic}`;
  try {
    await probePublishing(options, topic);
    return ok(subject, 'accepts transactions with their marker (one was aborted, which uses two offsets)');
  } catch (error) {
    return failed(subject, error);
  }
}
