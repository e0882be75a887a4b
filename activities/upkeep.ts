import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { RunContext } from '../steps/run-context.ts';
import { upkeepLimits, type UpkeepDeps } from '../steps/upkeep/deps.ts';
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
  };
}
