import kafkajs from 'kafkajs';
import { PipelineError } from '../../model/errors.ts';
import { withAdmin, type KafkaOptions } from './client.ts';

const NAMES = ['cleanup.policy', 'retention.ms', 'segment.ms'];

/** A retention of centuries has no date that every reader knows. */
const LATEST_MS = Date.UTC(9999, 11, 31);

/**
 * Returns by when a topic has deleted a message: its segment is deleted `retention.ms` after the last message of it, which
 * is at most `segment.ms` younger than the first.
 * @param timeMs The time of the message, in milliseconds since 1970.
 * @returns UTC; null if the topic's settings never delete it.
 * @throws {PipelineError} KAFKA_UNREACHABLE; KAFKA_REFUSED without the right to read the topic's settings
 */
export async function keptUntil(
  options: KafkaOptions,
  topic: string,
  timeMs: number,
): Promise<string | null> {
  return withAdmin(options, async (admin) => {
    const asked = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: NAMES };
    const { resources } = await admin.describeConfigs({ resources: [asked], includeSynonyms: false });
    const entries = new Map(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    const [policy = '', retention = '', segment = ''] = NAMES.map((name) => entries.get(name));
    if (!/^-?\d+$/.test(retention) || !/^\d+$/.test(segment))
      throw new PipelineError(
        'KAFKA_REFUSED',
        `topic ${topic} does not tell its retention.ms and segment.ms`,
      );
    const untilMs = timeMs + Number(retention) + Number(segment);
    const isDeleted = policy.split(',').includes('delete') && Number(retention) >= 0;
    return isDeleted && untilMs <= LATEST_MS ? new Date(untilMs).toISOString() : null;
  });
}
