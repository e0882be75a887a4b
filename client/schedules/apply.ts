import type { Client } from '@temporalio/client';
import { PipelineError } from '../../model/errors.ts';
import { readSettings, settingsFile, sourceOf, type Settings } from '../../model/settings.ts';
import { print, printJson } from '../cli/output.ts';
import {
  diffFields,
  fieldsFromDescription,
  formatChanges,
  wantedFields,
  type FieldChange,
  type ScheduleFields,
} from './fields.ts';
import { warnOfGap } from './gap.ts';
import { schedulePlanOf, type SchedulePlan } from './plan.ts';
import { findScheduleById, scheduleIdOf, scheduledSources } from './temporal.ts';
import { upkeepPlanOf, upkeepScheduleId, wantedUpkeepFields, writeUpkeepSchedule } from './upkeep.ts';
import { requireValidTimes, writeSchedule, type StateOptions } from './write.ts';
import { withTemporal } from '../cli/temporal.ts';

interface ApplyOptions {
  readonly dryRun?: true;
  readonly prune?: true;
  readonly json?: true;
}

/** The action on a schedule; `keep` is for one that is not in the settings, without --prune. */
type Action = 'create' | 'change' | 'leave' | 'delete' | 'keep';

/** The difference between a schedule in Temporal and the one in the settings. */
interface Difference {
  /** The source; null for the schedule of upkeep. */
  readonly source: string | null;
  readonly scheduleId: string;
  readonly action: Action;
  readonly changes: readonly FieldChange[];
  /** The schedule in the settings; undefined if there is none. */
  readonly wanted: { readonly plan: SchedulePlan; readonly state: StateOptions } | undefined;
}

/** Runs `pipeline schedule apply [SOURCE…]`: applies the schedules in the settings to Temporal. */
export async function applySchedules(names: readonly string[], options: ApplyOptions): Promise<void> {
  const settings = readSettings();
  const { dryRun = false, json = false } = options;
  await withTemporal(settings, async (client) => {
    const ofSources = await findDifferences(client, settings, names, options);
    const ofUpkeep = names.length === 0 ? await findUpkeepDifference(client, settings, options) : [];
    const differences = [...ofSources, ...ofUpkeep];
    await requireValidSchedules(client, settings, differences);
    if (!json) for (const difference of differences) print(formatDifference(difference));
    if (!dryRun)
      for (const difference of differences) await applyDifference(client, settings, difference, json);
    if (json) printJson({ dryRun, schedules: differences.map(jsonOf) });
    else if (differences.length === 0)
      print(`there are no schedules, neither in ${settingsFile()} nor in Temporal`);
    else print(formatSummary(differences, dryRun));
  });
}

async function findDifferences(
  client: Client,
  settings: Settings,
  names: readonly string[],
  { prune }: ApplyOptions,
): Promise<Difference[]> {
  const sources = await scheduledSources(client, Object.keys(settings.sources));
  for (const name of names) if (!sources.includes(name)) sourceOf(settings, name);
  const chosen = names.length === 0 ? sources : sources.filter((source) => names.includes(source));
  const found = await Promise.all(
    chosen.map((source) => findDifference(client, settings, source, prune === true)),
  );
  const differences = found.filter((difference) => difference !== undefined);
  const missing = names.find((name) => !differences.some(({ source }) => source === name));
  if (missing === undefined) return differences;
  throw new PipelineError(
    'SCHEDULE_UNKNOWN',
    `source ${missing} has no schedule, neither in ${settingsFile()} nor in Temporal`,
  );
}

async function findDifference(
  client: Client,
  settings: Settings,
  source: string,
  prune: boolean,
): Promise<Difference | undefined> {
  const scheduleId = scheduleIdOf(source);
  const current = await currentFields(client, scheduleId);
  const { taskQueue } = settings.temporal;
  const own = Object.hasOwn(settings.sources, source) ? settings.sources[source] : undefined;
  if (own?.schedule === undefined)
    return differenceOf({
      source,
      scheduleId,
      current,
      taskQueue,
      prune,
      wanted: undefined,
      fields: undefined,
    });
  const { paused, note } = own.schedule;
  const state = { paused, note };
  const plan = schedulePlanOf(source, own, own.schedule);
  const fields = wantedFields(plan, taskQueue, state, current);
  return differenceOf({ source, scheduleId, current, taskQueue, prune, wanted: { plan, state }, fields });
}

/** Returns the difference of the schedule of upkeep; none if it is neither in the settings nor in Temporal. */
async function findUpkeepDifference(
  client: Client,
  settings: Settings,
  { prune = false }: { readonly prune?: boolean },
): Promise<Difference[]> {
  const scheduleId = upkeepScheduleId(settings);
  const current = await currentFields(client, scheduleId);
  const { taskQueue } = settings.temporal;
  const plan = upkeepPlanOf(settings);
  const wanted = plan === undefined ? undefined : { plan, state: {} };
  const fields = plan === undefined ? undefined : wantedUpkeepFields(settings, plan, current);
  const difference = differenceOf({ source: null, scheduleId, current, taskQueue, prune, wanted, fields });
  return difference === undefined ? [] : [difference];
}

async function currentFields(client: Client, scheduleId: string): Promise<ScheduleFields | undefined> {
  const described = await findScheduleById(client, scheduleId);
  return described === undefined ? undefined : fieldsFromDescription(described);
}

interface Comparison extends Pick<Difference, 'source' | 'scheduleId' | 'wanted'> {
  readonly current: ScheduleFields | undefined;
  /** The wanted fields; undefined if the settings have no such schedule. */
  readonly fields: ScheduleFields | undefined;
  readonly taskQueue: string;
  readonly prune: boolean;
}

function differenceOf({
  source,
  scheduleId,
  current,
  fields,
  taskQueue,
  prune,
  wanted,
}: Comparison): Difference | undefined {
  if (fields === undefined) {
    // A schedule with another task queue belongs to another pipeline.
    if (current?.taskQueue !== taskQueue) return undefined;
    const action = prune ? 'delete' : 'keep';
    return { source, scheduleId, action, changes: diffFields({}, current), wanted: undefined };
  }
  const changes = diffFields(fields, current);
  const isSame = changes.every(({ change }) => change === '=');
  const action = current === undefined ? 'create' : isSame ? 'leave' : 'change';
  return { source, scheduleId, action, changes, wanted };
}

/**
 * Checks, before anything is changed, that Temporal accepts every schedule.
 * @throws {PipelineError} SETTINGS_INVALID, naming the file, the source and the key
 */
async function requireValidSchedules(
  client: Client,
  settings: Settings,
  differences: readonly Difference[],
): Promise<void> {
  const faults: string[] = [];
  for (const { source, action, wanted } of differences) {
    if (wanted === undefined || action === 'leave') continue;
    try {
      await requireValidTimes(client, settings, wanted.plan);
    } catch (error) {
      if (!(error instanceof PipelineError) || error.code !== 'SCHEDULE_INVALID') throw error;
      const section = source === null ? 'maintenance' : `sources.${source}`;
      const { timing } = wanted.plan;
      const cron = timing.kind === 'cron' ? timing.expression : undefined;
      faults.push(`  ${section}.schedule.cron: ${JSON.stringify(cron)}: ${error.message}`);
    }
  }
  if (faults.length > 0)
    throw new PipelineError('SETTINGS_INVALID', `${settingsFile()} is not valid:\n${faults.join('\n')}`);
}

async function applyDifference(
  client: Client,
  settings: Settings,
  { source, scheduleId, action, wanted }: Difference,
  json: boolean,
): Promise<void> {
  if (action === 'delete') {
    await client.schedule.getHandle(scheduleId).delete();
    if (!json) print(`deleted ${scheduleId}`);
  }
  if (wanted === undefined || action === 'leave') return;
  const write = source === null ? writeUpkeepSchedule : writeSchedule;
  const done = await write(client, settings, wanted.plan, wanted.state);
  if (!json) print(`${done} ${scheduleId}`);
  if (source !== null) await warnOfGap(client, wanted.plan);
}

/** Formats a difference for people. */
function formatDifference({ source, scheduleId, action, changes, wanted }: Difference): string[] {
  const about = action === 'keep' ? ', which is not in the settings; --prune deletes it' : '';
  const isPaused = changes.some(({ field, to }) => field === 'paused' && to === 'true');
  const staysPaused =
    source !== null && isPaused && wanted !== undefined && wanted.state.paused === undefined;
  return [
    `${action} ${scheduleId}${about}`,
    ...formatChanges(changes),
    ...(staysPaused
      ? [`  it stays paused, since the settings do not set paused; see: pipeline schedule resume ${source}`]
      : []),
  ];
}

const DONE: Readonly<Record<Action, string>> = {
  create: 'created',
  change: 'changed',
  delete: 'deleted',
  leave: 'unchanged',
  keep: 'kept although not in the settings',
};

function formatSummary(differences: readonly Difference[], dryRun: boolean): string {
  const counts = (Object.keys(DONE) as Action[]).flatMap((action) => {
    const count = differences.filter((difference) => difference.action === action).length;
    return count === 0 ? [] : [`${count} ${DONE[action]}`];
  });
  return `${dryRun ? 'dry run; it would be: ' : ''}${counts.join(', ')}`;
}

function jsonOf({ source, scheduleId, action, changes }: Difference): object {
  return { source, schedule: scheduleId, action, fields: changes };
}
