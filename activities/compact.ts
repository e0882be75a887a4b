import { compactNext, type CompactionStep } from '../steps/upkeep/compact.ts';
import { tableNamed } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';
import { upkeepDeps, type TableRequest } from './upkeep.ts';

/**
 * Merges one group of a table's small files, whose rows are proved to be the same, and commits the result.
 * @throws {PipelineError} UPKEEP_MISMATCH, TABLE_REWRITTEN, STAGING_FULL, HDFS_DAMAGED, an error of HDFS or of the log
 */
export function createCompact(deps: ActivityDeps) {
  return async function compact({ table }: TableRequest): Promise<CompactionStep> {
    const run = currentRun();
    return compactNext(upkeepDeps(deps, run), run, tableNamed(table));
  };
}
