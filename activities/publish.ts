import { IdlePublishers } from '../adapters/kafka/publisher-pool.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { Published } from '../model/published.ts';
import { publishChunks, type ChunksToPublish } from '../steps/publish/publish-chunks.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `publish`. */
export type PublishRequest = ChunksToPublish;

/**
 * Publishes chunks in order, each in one Kafka transaction, once however often the activity is attempted. After an error
 * it returns the chunks published before, if any. Records that Kafka cannot accept go into quarantine first. A chunk is
 * published only as this run fetched it.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, KAFKA_UNREACHABLE, KAFKA_REFUSED, an error of HDFS
 */
export function createPublish(deps: ActivityDeps) {
  const publishers = new IdlePublishers(deps.kafka, deps.settings.kafka);
  return async function publish(request: PublishRequest): Promise<Published> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    return publishChunks({ ...deps, publishers, own }, run, request);
  };
}
