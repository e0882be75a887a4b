import type { EraseRequest, StartedErasure } from '../model/erasure.ts';
import { suppress as suppressPersons } from '../steps/erasure/suppress.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/**
 * Puts persons on the suppression list, so that nothing of them lands from then on.
 * @throws {PipelineError} ERASURE_KEY_MISSING, ERASURE_KEY_CHANGED, ERASURE_UNFINISHED_BATCH, TABLE_REWRITTEN, an error of
 * HDFS or of the log
 */
export function createSuppress(deps: ActivityDeps) {
  return async function suppress(request: EraseRequest): Promise<StartedErasure> {
    return suppressPersons(deps, currentRun(), request);
  };
}
