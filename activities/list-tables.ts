import { TABLES } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';

/**
 * Returns the names of the tables that exist.
 * @throws {PipelineError} An error of HDFS or of the log.
 */
export function createListTables({ warehouse }: Pick<ActivityDeps, 'warehouse'>) {
  return async function listTables(): Promise<string[]> {
    const heads = await Promise.all(TABLES.map(({ name }) => warehouse.table(name).head()));
    return TABLES.filter((_, index) => heads[index] !== undefined).map(({ name }) => name);
  };
}
