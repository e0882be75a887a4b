import { decodingOf } from '../adapters/kafka/read-options.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import { stageBatch, type BatchToStage, type StagedMessages } from '../steps/transform/stage-batch.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `consume`. */
export type ConsumeRequest = BatchToStage;

/** The result of `consume`. */
export interface Consumed extends StagedMessages {
  /** The task queue of the host that staged it. */
  readonly host: string;
  readonly seconds: number;
}

/**
 * Consumes offset ranges into staged files, up to the limits of a batch.
 * @throws {PipelineError} RANGE_GONE, RANGE_STALLED, TOPIC_RESET, STAGING_FULL, KAFKA_BATCH_UNREADABLE, another error
 * of Kafka
 */
export function createConsume(deps: ActivityDeps) {
  const { limits } = deps.settings;
  const decoding = decodingOf(limits.batchDecodedBytes);
  return async function consume(request: ConsumeRequest): Promise<Consumed> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    const consumed = await stageBatch({ ...deps, own, limits, decoding }, run, request);
    return { ...consumed, host: deps.staging.hostId, seconds: run.seconds() };
  };
}
