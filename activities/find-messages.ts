import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { FoundMessages, StartedErasure } from '../model/erasure.ts';
import { findMessages as findMessagesOf } from '../steps/erasure/find-messages.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/**
 * Finds the messages of the erased persons of a source, and records their positions in the log of `deliveries`.
 * @throws {PipelineError} ERASURE_KEY_MISSING, ERASURE_KEY_CHANGED, STAGING_FULL, TABLE_REWRITTEN, an error of HDFS or of
 * the log
 */
export function createFindMessages(deps: ActivityDeps) {
  return async function findMessages({ source }: StartedErasure): Promise<FoundMessages> {
    const run = currentRun();
    return findMessagesOf({ ...deps, own: RunStaging.of(deps.staging, run.execution) }, run, source);
  };
}
