import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { PipelineError } from '../model/errors.ts';
import { formatDuration } from '../model/duration.ts';
import { readSettings, sourceOf, type Settings } from '../model/settings.ts';
import type { ingest } from '../workflows/index.ts';
import { formatTime, print, printError, printJson } from './output.ts';
import { gapOf } from './schedule-gap.ts';
import {
  planOf,
  policiesOf,
  requestOf,
  specOf,
  type SchedulePlan,
  type TimingWords,
} from './schedule-plan.ts';
import { describeSchedule, scheduleIdOf, sourceOfSchedule, withSchedule } from './schedule-temporal.ts';
import { formatSchedule, formatSchedules, viewOf, type ScheduleView } from './schedule-view.ts';
import { uiUrlOf, withTemporal } from './temporal.ts';

interface JsonOption {
  readonly json?: boolean;
}

interface SetOptions extends TimingWords, JsonOption {
  readonly paused?: true;
  readonly note?: string;
}

/** `pipeline schedule set SOURCE`: makes or changes it. */
export async function setSchedule(source: string, options: SetOptions): Promise<void> {
  const settings = readSettings();
  const plan = planOf(source, sourceOf(settings, source), options);
  await withTemporal(settings, async (client) => {
    const done = await createOrUpdate(client, settings, plan, options);
    const view = viewOf(settings, source, await describeSchedule(client, source));
    if (options.json === true) printJson({ done, ...view });
    else print(`${done} ${view.schedule}\n${formatSchedule(view)}`);
    const gap = await gapOf(client, plan);
    if (gap === undefined) return;
    printError(
      `warning: no run asks for the ${formatDuration(gap.seconds)} from ${formatTime(gap.from)} to ${formatTime(gap.to)}; ` +
        'give a longer --interval (an attempt that is fetched twice stands once in the views)',
    );
  });
}

async function createOrUpdate(
  client: Client,
  { temporal }: Settings,
  plan: SchedulePlan,
  { paused, note }: SetOptions,
): Promise<'created' | 'changed'> {
  const scheduleId = scheduleIdOf(plan.source);
  const schedule = {
    spec: specOf(plan),
    policies: policiesOf(plan),
    action: {
      type: 'startWorkflow',
      workflowType: 'ingest',
      taskQueue: temporal.taskQueue,
      // Temporal adds the scheduled time.
      workflowId: scheduleId,
      args: [requestOf(plan)],
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

/** `pipeline schedule list` */
export async function listSchedules({ json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const sources = await scheduledSources(client, settings);
    const views = await Promise.all(sources.map((source) => viewIfAny(client, settings, source)));
    const found = views.filter((view) => view !== undefined);
    if (json === true) printJson(found);
    else print(found.length === 0 ? 'no source has a schedule' : formatSchedules(found));
  });
}

/** Temporal's list is a little late, so each source of the settings is asked for too. */
async function scheduledSources(client: Client, settings: Settings): Promise<string[]> {
  const sources = new Set(Object.keys(settings.sources));
  for await (const { scheduleId, action } of client.schedule.list()) {
    const source = sourceOfSchedule(scheduleId);
    if (source !== undefined && action?.workflowType === 'ingest') sources.add(source);
  }
  return [...sources].sort();
}

async function viewIfAny(
  client: Client,
  settings: Settings,
  source: string,
): Promise<ScheduleView | undefined> {
  try {
    return viewOf(settings, source, await describeSchedule(client, source));
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'SCHEDULE_UNKNOWN') return undefined;
    throw error;
  }
}

/** `pipeline schedule show SOURCE` */
export async function showSchedule(source: string, { json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const view = viewOf(settings, source, await describeSchedule(client, source));
    if (json === true) printJson(view);
    else print(formatSchedule(view));
  });
}

/** Says what was done to a schedule. */
function printDone(source: string, done: 'paused' | 'resumed' | 'deleted', { json }: JsonOption): void {
  const schedule = scheduleIdOf(source);
  if (json === true) printJson({ done, source, schedule });
  else print(`${done} ${schedule}`);
}

interface NoteOption extends JsonOption {
  readonly note?: string;
}

/** `pipeline schedule pause SOURCE` */
export async function pauseSchedule(source: string, options: NoteOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.pause(options.note ?? 'paused from the command line'));
    printDone(source, 'paused', options);
  });
}

/** `pipeline schedule resume SOURCE` */
export async function resumeSchedule(source: string, options: NoteOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.unpause(options.note ?? 'resumed from the command line'));
    printDone(source, 'resumed', options);
    printError(
      `intervals that passed meanwhile did not run; bring them with: pipeline schedule backfill ${source}`,
    );
  });
}

/** `pipeline schedule delete SOURCE` */
export async function deleteSchedule(source: string, options: JsonOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.delete());
    printDone(source, 'deleted', options);
  });
}

const POLL_MS = 100;
const STARTED_WITHIN_MS = 15_000;

/** `pipeline schedule trigger SOURCE`: starts a run, and says which. */
export async function triggerSchedule(source: string, { json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const runsOf = async () =>
      (await describeSchedule(client, source)).info.recentActions.map(({ action }) => action.workflow);
    const before = new Set((await runsOf()).map(({ firstExecutionRunId }) => firstExecutionRunId));
    // At once: a person asks for it now, and runs that meet share the work.
    await client.schedule.getHandle(scheduleIdOf(source)).trigger(ScheduleOverlapPolicy.ALLOW_ALL);
    const deadline = Date.now() + STARTED_WITHIN_MS;
    while (Date.now() < deadline) {
      const run = (await runsOf()).findLast(({ firstExecutionRunId }) => !before.has(firstExecutionRunId));
      if (run !== undefined) {
        const url = uiUrlOf(settings, run.workflowId, run.firstExecutionRunId);
        if (json === true) printJson({ run: run.workflowId, source, url });
        else print(`started ${run.workflowId}\nsee ${url}`);
        return;
      }
      await sleep(POLL_MS);
    }
    throw new PipelineError('SCHEDULE_STALLED', `${scheduleIdOf(source)} started no run within 15 s`);
  });
}
