import { RunStaging } from '../adapters/staging/run-staging.ts';
import { PipelineError } from '../model/errors.ts';
import type { RunContext } from '../steps/run-context.ts';
import { upkeepLimits, type UpkeepDeps } from '../steps/upkeep/deps.ts';
import { TABLES } from '../tables/index.ts';
import type { Table } from '../tables/table.ts';
import type { ActivityDeps } from './deps.ts';

/** The input of the activities of upkeep. */
export interface TableRequest {
  /** The table's name. */
  readonly table: string;
}

/** Returns the services and limits of the steps of upkeep, for one run. */
export function upkeepDeps(deps: ActivityDeps, { execution }: RunContext): UpkeepDeps {
  const { warehouse, staging, openRunIds, settings } = deps;
  const own = RunStaging.of(staging, execution);
  return {
    warehouse,
    staging,
    own,
    openRunIds,
    limits: upkeepLimits(settings.maintenance),
    nowMs: () => Date.now(),
  };
}

/**
 * Returns a table by its name.
 * @throws {PipelineError} TABLE_UNKNOWN
 */
export function tableNamed(name: string): Table {
  const table = TABLES.find((known) => known.name === name);
  if (table !== undefined) return table;
  throw new PipelineError('TABLE_UNKNOWN', `there is no table ${JSON.stringify(name)}`);
}
