import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { StartedErasure, TableErasure } from '../model/erasure.ts';
import { eraseTable as eraseTableOf } from '../steps/erasure/erase-table.ts';
import { tableNamed } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `eraseTable`. */
export interface EraseTableRequest {
  /** The table's name. */
  readonly table: string;
  readonly erasure: StartedErasure;
}

/**
 * Removes the rows of all erased messages from a table, and deletes the files of older versions that hold them.
 * @throws {PipelineError} UPKEEP_MISMATCH, TABLE_REWRITTEN, STAGING_FULL, HDFS_DAMAGED, an error of HDFS or of the log
 */
export function createEraseTable(deps: ActivityDeps) {
  return async function eraseTable({ table, erasure }: EraseTableRequest): Promise<TableErasure> {
    const run = currentRun();
    const own = RunStaging.of(deps.staging, run.execution);
    return eraseTableOf({ ...deps, own }, run, { table: tableNamed(table), erasure });
  };
}
