import { RunStaging } from '../adapters/staging/run-staging.ts';
import { recordErasure as recordErasureOf, type ErasureToRecord } from '../steps/erasure/record-erasure.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/**
 * Writes a completed erasure to the table `erasures`, once.
 * @throws {PipelineError} An error of HDFS or of the log.
 */
export function createRecordErasure(deps: ActivityDeps) {
  return async function recordErasure(request: ErasureToRecord): Promise<void> {
    const run = currentRun();
    await recordErasureOf({ ...deps, own: RunStaging.of(deps.staging, run.execution) }, run, request);
  };
}
