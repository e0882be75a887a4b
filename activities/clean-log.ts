import { cleanLog as cleanTableLog, type Deletion } from '../steps/upkeep/clean-log.ts';
import { tableNamed } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';
import { upkeepDeps, type TableRequest } from './upkeep.ts';

/**
 * Deletes the entries and checkpoints of a table's log that no kept version needs.
 * @throws {PipelineError} TABLE_LOG_INVALID, an error of HDFS
 */
export function createCleanLog(deps: ActivityDeps) {
  return async function cleanLog({ table }: TableRequest): Promise<Deletion> {
    const run = currentRun();
    return cleanTableLog(upkeepDeps(deps, run), tableNamed(table), run.execution.runId);
  };
}
