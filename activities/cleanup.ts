import { TABLES } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** Removes a run's staging folder on this host and its temporary files in HDFS. */
export function createCleanup({ staging, warehouse }: ActivityDeps) {
  return async function cleanUp(): Promise<void> {
    const { execution } = currentRun();
    await staging.removeRun(execution);
    for (const { name } of TABLES) await warehouse.table(name).deleteScratch(execution.runId);
  };
}
