import { ensureTopic } from '../adapters/kafka/topics.ts';
import { topicIdOf } from '../adapters/kafka/wire/topic-id.ts';
import { planBatches, type Plan, type TopicToPlan } from '../steps/landing/plan-batches.ts';
import type { ActivityDeps } from './deps.ts';

export type { Plan } from '../steps/landing/plan-batches.ts';

/** The input of `plan`. */
export type PlanRequest = TopicToPlan;

/**
 * Plans the offset ranges of a topic to land. Creates the topic if it does not exist, so that a run can wait for other
 * producers: it then finds nothing new.
 * @throws {PipelineError} PAYLOAD_TOO_LARGE, RANGE_GONE, TOPIC_RESET, TABLE_REWRITTEN, TABLE_OTHER_COLUMNS,
 * TABLE_LOG_CHANGED, TABLE_LOG_INVALID, KAFKA_UNREACHABLE, an error of HDFS
 */
export function createPlan({
  settings,
  kafka,
  warehouse,
}: Pick<ActivityDeps, 'settings' | 'kafka' | 'warehouse'>) {
  const ensureTopicId = async (topic: string): Promise<string | undefined> => {
    await ensureTopic(kafka, topic, settings.kafka);
    return topicIdOf(kafka, topic);
  };
  return function plan(request: PlanRequest): Promise<Plan> {
    return planBatches({ kafka, warehouse }, request, ensureTopicId);
  };
}
