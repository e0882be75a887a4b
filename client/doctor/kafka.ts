import { countBrokers, existingOf, probePublishing } from '../../adapters/kafka-probe.ts';
import type { KafkaOptions } from '../../adapters/kafka.ts';
import type { Settings } from '../../model/settings.ts';
import { failed, ok, type Finding } from './check.ts';

/** Can the cluster be reached, and may we publish to the topic of each source? */
export async function checkKafka(options: KafkaOptions, { sources }: Settings): Promise<Finding[]> {
  const brokers = await countBrokers(options);
  const reached = ok(
    'kafka',
    `reached at ${options.brokers.join(', ')}; ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}`,
  );
  const topics = [...new Set(Object.values(sources).map(({ topic }) => topic))];
  const existing = new Set(await existingOf(options, topics));
  return [reached, ...(await Promise.all(topics.map((topic) => checkTopic(options, topic, existing))))];
}

async function checkTopic(
  options: KafkaOptions,
  topic: string,
  existing: ReadonlySet<string>,
): Promise<Finding> {
  const subject = `kafka topic ${topic}`;
  if (!existing.has(topic)) return ok(subject, 'is not there yet; the first run makes it');
  try {
    await probePublishing(options, topic);
    return ok(subject, 'takes transactions with their marker (one was aborted, which takes two offsets)');
  } catch (error) {
    return failed(subject, error);
  }
}
