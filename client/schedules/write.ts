import { randomUUID } from 'node:crypto';
import { ScheduleAlreadyRunning, type Client, type ScheduleOptions } from '@temporalio/client';
import { grpcStatusOf } from '../../adapters/temporal.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { describeRequest } from '../runs/static-details.ts';
import { policiesOf, requestOf, toScheduleSpec, type SchedulePlan } from './plan.ts';
import { scheduleIdOf } from './temporal.ts';

/** The state of a schedule; undefined fields stay unchanged. */
export interface StateOptions {
  readonly paused?: boolean | undefined;
  readonly note?: string | undefined;
}

/** The times, policies and action of a schedule. */
export type ScheduleParts = Pick<ScheduleOptions, 'spec' | 'policies'> & {
  readonly action: Extract<ScheduleOptions['action'], { type: 'startWorkflow' }>;
};

/**
 * Creates a source's schedule, or changes the existing one.
 * @throws {PipelineError} SCHEDULE_INVALID when Temporal rejects it
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
    spec: toScheduleSpec(plan),
    policies: policiesOf(plan),
    action: {
      type: 'startWorkflow',
      workflowType: 'ingest',
      taskQueue: temporal.taskQueue,
      // Temporal adds the scheduled time.
      workflowId: scheduleId,
      args: [request],
      ...describeRequest(request, `schedule ${scheduleId}`),
    },
  } as const;
  return upsertSchedule(client, scheduleId, { paused, note }, schedule);
}

/**
 * Creates a schedule, or changes the existing one.
 * @throws {PipelineError} SCHEDULE_INVALID when Temporal rejects it
 */
export async function upsertSchedule(
  client: Client,
  scheduleId: string,
  { paused, note }: StateOptions,
  schedule: ScheduleParts,
): Promise<'created' | 'changed'> {
  const state = { ...(paused === undefined ? {} : { paused }), ...(note === undefined ? {} : { note }) };
  try {
    await mapSpecError(() => client.schedule.create({ ...schedule, scheduleId, state }));
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  const handle = client.schedule.getHandle(scheduleId);
  await mapSpecError(() => handle.update((known) => ({ ...schedule, state: { ...known.state, ...state } })));
  return 'changed';
}

/** Maps the client's TypeError: only Temporal's server validates cron expressions. */
async function mapSpecError<T>(use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new PipelineError('SCHEDULE_INVALID', `Temporal rejects the schedule: ${error.message}`, {
      cause: error,
    });
  }
}

/** gRPC status codes. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/** An id that no schedule has: names of sources contain no space. */
const UNUSED_SCHEDULE_ID = `${scheduleIdOf('')} `;

/**
 * Checks that Temporal accepts the times of a schedule, without creating one: the server validates an update before it
 * looks up the schedule.
 * @throws {PipelineError} SCHEDULE_INVALID
 */
export async function requireValidTimes(
  client: Client,
  { temporal }: Settings,
  { timing }: SchedulePlan,
): Promise<void> {
  if (timing.kind === 'every') return;
  await mapSpecError(async () => {
    try {
      await client.workflowService.updateSchedule({
        namespace: client.options.namespace,
        scheduleId: UNUSED_SCHEDULE_ID,
        requestId: randomUUID(),
        schedule: {
          spec: { cronString: [timing.expression], timezoneName: timing.timezone },
          action: {
            startWorkflow: {
              workflowId: UNUSED_SCHEDULE_ID,
              workflowType: { name: 'ingest' },
              taskQueue: { name: temporal.taskQueue },
            },
          },
        },
      });
    } catch (error) {
      const status = grpcStatusOf(error);
      if (status?.code === NOT_FOUND) return;
      if (status?.code !== INVALID_ARGUMENT) throw error;
      throw new TypeError(status.details.replace(/^Invalid schedule spec: /, ''), { cause: error });
    }
  });
}
