import { createCleanLog } from './clean-log.ts';
import { createCompact } from './compact.ts';
import { createConsume } from './consume.ts';
import type { ActivityDeps } from './deps.ts';
import { createEraseTable } from './erase-table.ts';
import { createFetch } from './fetch.ts';
import { createCheckQuarantineLimit } from './check-quarantine-limit.ts';
import { createFindMessages } from './find-messages.ts';
import { createKafkaExpiry } from './kafka-expiry.ts';
import { createLand } from './land.ts';
import { createListTables } from './list-tables.ts';
import { createPlan } from './plan.ts';
import { createPublish } from './publish.ts';
import { createCommitRebuild, createPlanRebuild, createRebuildPart } from './rebuild.ts';
import { createRecord } from './record.ts';
import { createRecordErasure } from './record-erasure.ts';
import { createSuppress } from './suppress.ts';
import { createCleanup } from './cleanup.ts';
import { TransformThread } from '../steps/transform/transform-thread.ts';
import { createTransform } from './transform.ts';
import { createVacuum } from './vacuum.ts';

export type { ActivityDeps } from './deps.ts';

/** The activities of a worker. */
export type Activities = ReturnType<typeof createActivities>;

/** Creates the activities: the five steps of a run, the checks and records around them, upkeep, rebuilds and erasures. */
export function createActivities(deps: ActivityDeps) {
  const thread = new TransformThread();
  return {
    fetch: createFetch(deps),
    checkQuarantineLimit: createCheckQuarantineLimit(deps),
    publish: createPublish(deps),
    plan: createPlan(deps),
    consume: createConsume(deps),
    transform: createTransform(deps, thread),
    land: createLand(deps),
    record: createRecord(deps),
    cleanUp: createCleanup(deps),
    listTables: createListTables(deps),
    compact: createCompact(deps),
    cleanLog: createCleanLog(deps),
    vacuum: createVacuum(deps),
    planRebuild: createPlanRebuild(deps),
    rebuildPart: createRebuildPart(deps, thread),
    commitRebuild: createCommitRebuild(deps),
    suppress: createSuppress(deps),
    findMessages: createFindMessages(deps),
    eraseTable: createEraseTable(deps),
    kafkaExpiry: createKafkaExpiry(deps),
    recordErasure: createRecordErasure(deps),
  };
}
