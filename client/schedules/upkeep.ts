import type { Client } from '@temporalio/client';
import type { Settings } from '../../model/settings.ts';
import { parseSchedule } from '../../model/schedule-input.ts';
import type { MaintainRequest } from '../../model/upkeep.ts';
import { toScheduleFields, type ScheduleFields } from './fields.ts';
import { policiesOf, toScheduleSpec, type SchedulePlan } from './plan.ts';
import { upsertSchedule, type StateOptions } from './write.ts';

/** All tables. */
const REQUEST: MaintainRequest = {};

/** Returns the id of the schedule of upkeep; each pipeline of a namespace has its own task queue. */
export function upkeepScheduleId({ temporal }: Settings): string {
  return `maintain-${temporal.taskQueue}`;
}

/** Returns the plan of the schedule of upkeep; undefined if the settings have none. */
export function upkeepPlanOf({ maintenance }: Settings): SchedulePlan | undefined {
  if (maintenance.schedule === undefined) return undefined;
  return { source: '', ...parseSchedule(maintenance.schedule, undefined, (key) => key) };
}

/** Returns the fields that the schedule should have. Whether it is paused, and its note, are kept. */
export function wantedUpkeepFields(
  settings: Settings,
  plan: SchedulePlan,
  current: ScheduleFields = {},
): ScheduleFields {
  return toScheduleFields(plan, current, {
    taskQueue: settings.temporal.taskQueue,
    workflow: 'maintain',
    request: JSON.stringify(REQUEST),
  });
}

/**
 * Creates or changes the schedule of upkeep.
 * @throws {PipelineError} SCHEDULE_INVALID when Temporal rejects it
 */
export async function writeUpkeepSchedule(
  client: Client,
  settings: Settings,
  plan: SchedulePlan,
  state: StateOptions,
): Promise<'created' | 'changed'> {
  const scheduleId = upkeepScheduleId(settings);
  return upsertSchedule(client, scheduleId, state, {
    spec: toScheduleSpec(plan),
    policies: policiesOf(plan),
    action: {
      type: 'startWorkflow',
      workflowType: 'maintain',
      taskQueue: settings.temporal.taskQueue,
      workflowId: scheduleId,
      args: [REQUEST],
      staticSummary: 'maintain all tables',
      memo: { request: REQUEST, startedBy: `schedule ${scheduleId}` },
    },
  });
}
