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
} from './fields.ts';
import { warnOfGap } from './gap.ts';
import { schedulePlanOf, type SchedulePlan } from './plan.ts';
import { findSchedule, scheduleIdOf, scheduledSources } from './temporal.ts';
import { requireValidTimes, writeSchedule, type StateOptions } from './write.ts';
import { withTemporal } from '../cli/temporal.ts';

interface ApplyOptions {
  readonly dryRun?: true;
  readonly prune?: true;
  readonly json?: true;
}

/** What is to be done with a schedule; `keep` is for one that the settings do not have, and nobody lets go. */
type Action = 'create' | 'change' | 'leave' | 'delete' | 'keep';

/** How a source's schedule in Temporal differs from the one in the settings. */
interface Difference {
  readonly source: string;
  readonly action: Action;
  readonly changes: readonly FieldChange[];
  /** What the settings say; undefined where they have no schedule. */
  readonly wanted: { readonly plan: SchedulePlan; readonly state: StateOptions } | undefined;
}

/** `pipeline schedule apply [SOURCE…]`: brings the schedules of the settings to Temporal. */
export async function applySchedules(names: readonly string[], options: ApplyOptions): Promise<void> {
  const settings = readSettings();
  const { dryRun = false, json = false } = options;
  await withTemporal(settings, async (client) => {
    const differences = await differencesOf(client, settings, names, options);
    await requireTaken(client, settings, differences);
    if (!json) for (const difference of differences) print(formatDifference(difference));
    if (!dryRun) for (const difference of differences) await bring(client, settings, difference, json);
    if (json) printJson({ dryRun, schedules: differences.map(jsonOf) });
    else if (differences.length === 0)
      print(`no source has a schedule, neither in ${settingsFile()} nor in Temporal`);
    else print(formatSum(differences, dryRun));
  });
}

async function differencesOf(
  client: Client,
  settings: Settings,
  names: readonly string[],
  { prune }: ApplyOptions,
): Promise<Difference[]> {
  const sources = await scheduledSources(client, Object.keys(settings.sources));
  for (const name of names) if (!sources.includes(name)) sourceOf(settings, name);
  const chosen = names.length === 0 ? sources : sources.filter((source) => names.includes(source));
  const found = await Promise.all(
    chosen.map((source) => differenceOf(client, settings, source, prune === true)),
  );
  const differences = found.filter((difference) => difference !== undefined);
  const missing = names.find((name) => !differences.some(({ source }) => source === name));
  if (missing === undefined) return differences;
  throw new PipelineError(
    'SCHEDULE_UNKNOWN',
    `source ${missing} has no schedule, neither in ${settingsFile()} nor in Temporal`,
  );
}

async function differenceOf(
  client: Client,
  settings: Settings,
  source: string,
  prune: boolean,
): Promise<Difference | undefined> {
  const described = await findSchedule(client, source);
  const there = described === undefined ? undefined : fieldsFromDescription(described);
  const { taskQueue } = settings.temporal;
  const own = Object.hasOwn(settings.sources, source) ? settings.sources[source] : undefined;
  if (own?.schedule === undefined) {
    // A schedule whose runs other workers take is another pipeline's.
    if (there?.taskQueue !== taskQueue) return undefined;
    return { source, action: prune ? 'delete' : 'keep', changes: diffFields({}, there), wanted: undefined };
  }
  const { paused, note } = own.schedule;
  const plan = schedulePlanOf(source, own, own.schedule);
  const changes = diffFields(wantedFields(plan, taskQueue, { paused, note }, there), there);
  const same = changes.every(({ change }) => change === '=');
  const action = there === undefined ? 'create' : same ? 'leave' : 'change';
  return { source, action, changes, wanted: { plan, state: { paused, note } } };
}

/**
 * Makes sure, before anything is done, that Temporal takes all of it.
 * @throws {PipelineError} SETTINGS_INVALID, naming the file, the source and the key.
 */
async function requireTaken(
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
      const { cron } = settings.sources[source]?.schedule ?? {};
      faults.push(`  sources.${source}.schedule.cron: ${JSON.stringify(cron)}: ${error.message}`);
    }
  }
  if (faults.length > 0)
    throw new PipelineError('SETTINGS_INVALID', `${settingsFile()} is not valid:\n${faults.join('\n')}`);
}

async function bring(
  client: Client,
  settings: Settings,
  { source, action, wanted }: Difference,
  json: boolean,
): Promise<void> {
  if (action === 'delete') {
    await client.schedule.getHandle(scheduleIdOf(source)).delete();
    if (!json) print(`deleted ${scheduleIdOf(source)}`);
  }
  if (wanted === undefined || action === 'leave') return;
  const done = await writeSchedule(client, settings, wanted.plan, wanted.state);
  if (!json) print(`${done} ${scheduleIdOf(source)}`);
  await warnOfGap(client, wanted.plan);
}

/** The lines of a difference, for people. */
function formatDifference({ source, action, changes, wanted }: Difference): string[] {
  const about = action === 'keep' ? ', which the settings do not have; --prune deletes it' : '';
  const isPaused = changes.some(({ field, to }) => field === 'paused' && to === 'true');
  const stays = isPaused && wanted !== undefined && wanted.state.paused === undefined;
  return [
    `${action} ${scheduleIdOf(source)}${about}`,
    ...formatChanges(changes),
    ...(stays
      ? [`  it stays paused, since the settings do not say; see: pipeline schedule resume ${source}`]
      : []),
  ];
}

const DONE: Readonly<Record<Action, string>> = {
  create: 'created',
  change: 'changed',
  delete: 'deleted',
  leave: 'as they were to be',
  keep: 'kept that the settings do not have',
};

function formatSum(differences: readonly Difference[], dryRun: boolean): string {
  const counts = (Object.keys(DONE) as Action[]).flatMap((action) => {
    const count = differences.filter((difference) => difference.action === action).length;
    return count === 0 ? [] : [`${count} ${DONE[action]}`];
  });
  return `${dryRun ? 'a dry run; it would be: ' : ''}${counts.join(', ')}`;
}

function jsonOf({ source, action, changes }: Difference): object {
  return { source, schedule: scheduleIdOf(source), action, fields: changes };
}
