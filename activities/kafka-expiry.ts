import { keptUntil } from '../adapters/kafka/retention.ts';
import type { KafkaExpiry, StartedErasure } from '../model/erasure.ts';
import { sourceOf } from '../model/settings.ts';
import { SuppressionList } from '../steps/erasure/suppression-list.ts';
import type { ActivityDeps } from './deps.ts';

/**
 * Returns until when Kafka keeps what the source's topic had when the erasure began.
 * @throws {PipelineError} SOURCE_UNKNOWN, KAFKA_UNREACHABLE, KAFKA_REFUSED
 */
export function createKafkaExpiry({ kafka, settings, warehouse }: ActivityDeps) {
  return async function kafkaExpiry({ source, number }: StartedErasure): Promise<KafkaExpiry> {
    const { topic } = sourceOf(settings, source);
    const suppressedAtMs = await new SuppressionList(warehouse).timeOf(source, number);
    return { topic, until: await keptUntil(kafka, topic, suppressedAtMs) };
  };
}
