import { RunStaging } from '../adapters/staging/run-staging.ts';
import { commitRebuild as commitTable, type RebuildOutcome } from '../steps/rebuild/commit-rebuild.ts';
import { rebuildableTable } from '../steps/rebuild/deps.ts';
import { planRebuild as planTable, type PlannedRebuild } from '../steps/rebuild/plan-rebuild.ts';
import { rebuildPart as rebuildTablePart, type RebuiltCounts } from '../steps/rebuild/rebuild-part.ts';
import type { TransformThread } from '../steps/transform/transform-thread.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';
import type { TableRequest } from './upkeep.ts';

/** The input of `commitRebuild`. */
export interface CommitRebuildRequest extends TableRequest {
  /** The SHA-256 of the plan. */
  readonly plan: string;
}

/** The input of `rebuildPart`. */
export interface RebuildPartRequest extends CommitRebuildRequest {
  /** The number of the part, from 0. */
  readonly part: number;
}

/**
 * Plans the rebuild of a table from `deliveries`, and creates the table if it is missing.
 * @throws {PipelineError} TABLE_NOT_DERIVED, TABLE_REWRITTEN, TABLE_UNKNOWN, DELIVERIES_BEHIND, an error of HDFS or of
 * the log
 */
export function createPlanRebuild({ warehouse }: Pick<ActivityDeps, 'warehouse'>) {
  return async function planRebuild({ table }: TableRequest): Promise<PlannedRebuild> {
    return planTable({ warehouse }, currentRun(), rebuildableTable(table));
  };
}

/**
 * Transforms one part of `deliveries` into files of a table, and uploads them. Idempotent.
 * @throws {PipelineError} TABLE_NOT_DERIVED, INPUT_INVALID, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED,
 * HDFS_DAMAGED, an error of HDFS or of the log
 */
export function createRebuildPart({ warehouse, staging, settings }: ActivityDeps, thread: TransformThread) {
  return async function rebuildPart({ table, plan, part }: RebuildPartRequest): Promise<RebuiltCounts> {
    const run = currentRun();
    const { worker, limits } = settings;
    const deps = {
      warehouse,
      staging,
      own: RunStaging.of(staging, run.execution),
      settings: { worker, limits },
      transform: thread.transformDeliveries.bind(thread),
    };
    return rebuildTablePart(deps, run, { table: rebuildableTable(table), plan, part });
  };
}

/**
 * Replaces the files of a table by the rebuilt ones, in one entry. Idempotent.
 * @throws {PipelineError} TABLE_NOT_DERIVED, REBUILD_REFUSED, an error of HDFS or of the log
 */
export function createCommitRebuild({ warehouse }: Pick<ActivityDeps, 'warehouse'>) {
  return async function commitRebuild({ table, plan }: CommitRebuildRequest): Promise<RebuildOutcome> {
    return commitTable({ warehouse }, currentRun(), { table: rebuildableTable(table), plan });
  };
}
