import { randomUUID } from 'node:crypto';
import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import { statusOf } from '../../adapters/temporal.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import type { ingest } from '../../workflows/index.ts';
import { runDetails } from '../runs/static-details.ts';
import { policiesOf, requestOf, specOf, type SchedulePlan } from './plan.ts';
import { scheduleIdOf } from './temporal.ts';

/** What a person may say of a schedule's state; what is not said stays as it is. */
export interface StateOptions {
  readonly paused?: boolean | undefined;
  readonly note?: string | undefined;
}

/**
 * Makes a source's schedule, or changes the one that there is.
 * @throws {PipelineError} SCHEDULE_INVALID when Temporal does not take it.
 */
export async function writeSchedule(
  client: Client,
  { temporal }: Settings,
  plan: SchedulePlan,
  { paused, note }: StateOptions,
): Promise<'created' | 'changed'> {
  const scheduleId = scheduleIdOf(plan.source);
  const request = requestOf(plan);
  const schedule = {
    spec: specOf(plan),
    policies: policiesOf(plan),
    action: {
      type: 'startWorkflow',
      workflowType: 'ingest',
      taskQueue: temporal.taskQueue,
      // Temporal adds the scheduled time.
      workflowId: scheduleId,
      args: [request],
      ...runDetails(request, `schedule ${scheduleId}`),
    },
  } as const;
  const state = { ...(paused === undefined ? {} : { paused }), ...(note === undefined ? {} : { note }) };
  try {
    await asSpecError(() => client.schedule.create<typeof ingest>({ ...schedule, scheduleId, state }));
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(scheduleId);
  await asSpecError(() =>
    handle.update<typeof ingest>((known) => ({ ...schedule, state: { ...known.state, ...state } })),
  );
  return 'changed';
}

/** Temporal alone knows whether a cron expression is one; its client makes that a TypeError. */
async function asSpecError<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new PipelineError('SCHEDULE_INVALID', `Temporal does not take the schedule: ${error.message}`, {
      cause: error,
    });
  }
}

/** Statuses of gRPC. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/** No source's name can have a space, so nobody has a schedule of this id. */
const NOBODYS = `${scheduleIdOf('')} `;

/**
 * Makes sure that Temporal takes the times of a schedule, without making one: it checks an update before it finds
 * that there is nothing of that id.
 * @throws {PipelineError} SCHEDULE_INVALID
 */
export async function requireValidTimes(
  client: Client,
  { temporal }: Settings,
  { timing }: SchedulePlan,
): Promise<void> {
  if (timing.kind === 'every') return;
  await asSpecError(async () => {
    try {
      await client.workflowService.updateSchedule({
        namespace: client.options.namespace,
        scheduleId: NOBODYS,
        requestId: randomUUID(),
        schedule: {
          spec: { cronString: [timing.expression], timezoneName: timing.timezone },
          action: {
            startWorkflow: {
              workflowId: NOBODYS,
              workflowType: { name: 'ingest' },
              taskQueue: { name: temporal.taskQueue },
            },
          },
        },
      });
    } catch (error) {
      const status = statusOf(error);
      if (status?.code === NOT_FOUND) return;
      if (status?.code !== INVALID_ARGUMENT) throw error;
      throw new TypeError(status.details.replace(/^Invalid schedule spec: /, ''), { cause: error });
    }
  });
}
