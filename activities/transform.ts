import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { StagedTables } from '../model/references.ts';
import { SuppressionList } from '../steps/erasure/suppression-list.ts';
import { transformStaged, type BatchToTransform } from '../steps/transform/transform-staged.ts';
import type { TransformThread } from '../steps/transform/transform-thread.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `transform`. */
export type TransformRequest = BatchToTransform;

/**
 * Transforms a staged batch into one Parquet file per table and source; see `transformStaged`.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export function createTransform(deps: ActivityDeps, thread: TransformThread) {
  const suppressions = new SuppressionList(deps.warehouse);
  return function transform(request: TransformRequest): Promise<StagedTables> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    return transformStaged(
      { ...deps, suppressions, own, transform: (task) => thread.transformBatch(task) },
      run,
      request,
    );
  };
}
