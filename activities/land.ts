import { RunStaging } from '../adapters/staging/run-staging.ts';
import { landBatch, type BatchToLand, type LandedBatch } from '../steps/landing/land-batch.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `land`. */
export type LandRequest = BatchToLand;

/** The result of `land`. */
export interface Landed extends LandedBatch {
  readonly seconds: number;
}

/**
 * Uploads a batch's files and commits them to each table's log, `deliveries` last: a batch in `deliveries` is complete.
 * Idempotent: each table has the batch once. Accepts only files that this run staged.
 * @throws {PipelineError} INPUT_INVALID, OFFSETS_MOVED if another run landed a part of it or it leaves a gap,
 * HDFS_UNREACHABLE, HDFS_REFUSED, HDFS_DAMAGED, TABLE_LOG_INVALID, STAGING_LOST, an error of Kafka
 */
export function createLand(deps: ActivityDeps) {
  return async function land(request: LandRequest): Promise<Landed> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    return { ...(await landBatch({ ...deps, own }, run, request)), seconds: run.seconds() };
  };
}
