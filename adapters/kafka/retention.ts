import { withAdmin, type KafkaOptions } from './client.ts';
import { configNumber, readConfigs } from './topic-configs.ts';

const POLICY = 'cleanup.policy';
const RETENTION = 'retention.ms';
const SEGMENT = 'segment.ms';

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
    const configs = await readConfigs(admin, topic, [POLICY, RETENTION, SEGMENT]);
    const retentionMs = configNumber(topic, configs, RETENTION);
    const untilMs = timeMs + retentionMs + configNumber(topic, configs, SEGMENT);
    const isDeleted = (configs.get(POLICY) ?? '').split(',').includes('delete') && retentionMs >= 0;
    return isDeleted && untilMs <= LATEST_MS ? new Date(untilMs).toISOString() : null;
  });
}
