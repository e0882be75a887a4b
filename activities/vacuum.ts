import type { Deletion } from '../steps/upkeep/clean-log.ts';
import { vacuum as vacuumTable } from '../steps/upkeep/vacuum.ts';
import { tableNamed } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';
import { upkeepDeps, type TableRequest } from './upkeep.ts';

/**
 * Deletes the data files of a table that no kept version and no open run needs.
 * @throws {PipelineError} TABLE_LOG_INVALID, TEMPORAL_UNREACHABLE, an error of HDFS
 */
export function createVacuum(deps: ActivityDeps) {
  return async function vacuum({ table }: TableRequest): Promise<Deletion> {
    return vacuumTable(upkeepDeps(deps, currentRun()), tableNamed(table));
  };
}
