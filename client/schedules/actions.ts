import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { PipelineError } from '../../model/errors.ts';
import { readSettings, sourceOf, type Settings } from '../../model/settings.ts';
import type { ScheduleInput } from '../../model/schedule-input.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { warnOfGap } from './gap.ts';
import { schedulePlanOf } from './plan.ts';
import { describeSchedule, findSchedule, scheduleIdOf, scheduledSources, withSchedule } from './temporal.ts';
import { formatSchedule, formatSchedules, toScheduleView, type ScheduleView } from './view.ts';
import { writeSchedule } from './write.ts';
import { uiUrlOf, withTemporal } from '../cli/temporal.ts';

interface JsonOption {
  readonly json?: boolean;
}

interface SetOptions extends ScheduleInput, JsonOption {
  readonly paused?: true;
  readonly note?: string;
}

/** Runs `pipeline schedule set SOURCE`: creates or changes its schedule. */
export async function setSchedule(source: string, options: SetOptions): Promise<void> {
  const settings = readSettings();
  const plan = schedulePlanOf(source, sourceOf(settings, source), options);
  await withTemporal(settings, async (client) => {
    const done = await writeSchedule(client, settings, plan, options);
    const view = toScheduleView(settings, source, await describeSchedule(client, source));
    if (options.json === true) printJson({ done, ...view });
    else print([`${done} ${view.schedule}`, ...formatSchedule(view)]);
    await warnOfGap(client, plan);
  });
}

/** Runs `pipeline schedule list`. */
export async function listSchedules({ json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const sources = await scheduledSources(client, Object.keys(settings.sources));
    const views = await Promise.all(sources.map((source) => viewIfAny(client, settings, source)));
    const found = views.filter((view) => view !== undefined);
    if (json === true) printJson(found);
    else print(found.length === 0 ? 'no source has a schedule' : formatSchedules(found));
  });
}

async function viewIfAny(
  client: Client,
  settings: Settings,
  source: string,
): Promise<ScheduleView | undefined> {
  const described = await findSchedule(client, source);
  return described === undefined ? undefined : toScheduleView(settings, source, described);
}

/** Runs `pipeline schedule show SOURCE`. */
export async function showSchedule(source: string, { json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const view = toScheduleView(settings, source, await describeSchedule(client, source));
    if (json === true) printJson(view);
    else print(formatSchedule(view));
  });
}

/** Prints the result of a change to a schedule. */
function printDone(source: string, done: 'paused' | 'resumed' | 'deleted', { json }: JsonOption): void {
  const schedule = scheduleIdOf(source);
  if (json === true) printJson({ done, source, schedule });
  else print(`${done} ${schedule}`);
}

interface NoteOption extends JsonOption {
  readonly note?: string;
}

/** Runs `pipeline schedule pause SOURCE`. */
export async function pauseSchedule(source: string, options: NoteOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.pause(options.note ?? 'paused from the command line'));
    printDone(source, 'paused', options);
  });
}

/** Runs `pipeline schedule resume SOURCE`. */
export async function resumeSchedule(source: string, options: NoteOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.unpause(options.note ?? 'resumed from the command line'));
    printDone(source, 'resumed', options);
    printError(
      `intervals that passed while it was paused did not run; run them with: pipeline schedule backfill ${source}`,
    );
  });
}

/** Runs `pipeline schedule delete SOURCE`. */
export async function deleteSchedule(source: string, options: JsonOption): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    const handle = client.schedule.getHandle(scheduleIdOf(source));
    await withSchedule(source, () => handle.delete());
    printDone(source, 'deleted', options);
  });
}

const POLL_MS = 100;
const START_TIMEOUT_MS = 15_000;

/**
 * Runs `pipeline schedule trigger SOURCE`: starts a run and prints its id.
 * @throws {PipelineError} SCHEDULE_STALLED when Temporal starts none within 15 s
 */
export async function triggerSchedule(source: string, { json }: JsonOption): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    const runsOf = async () =>
      (await describeSchedule(client, source)).info.recentActions.map(({ action }) => action.workflow);
    const before = new Set((await runsOf()).map(({ firstExecutionRunId }) => firstExecutionRunId));
    // ALLOW_ALL starts it at once; concurrent runs of a source share the work.
    await client.schedule.getHandle(scheduleIdOf(source)).trigger(ScheduleOverlapPolicy.ALLOW_ALL);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < deadline) {
      const run = (await runsOf()).findLast(({ firstExecutionRunId }) => !before.has(firstExecutionRunId));
      if (run !== undefined) {
        const url = uiUrlOf(settings, run.workflowId, run.firstExecutionRunId);
        if (json === true) printJson({ run: run.workflowId, source, url });
        else print([`started ${run.workflowId}`, `see ${url}`]);
        return;
      }
      await sleep(POLL_MS);
    }
    throw new PipelineError('SCHEDULE_STALLED', `${scheduleIdOf(source)} started no run within 15 s`);
  });
}
