import type { ScheduleDescription } from '@temporalio/client';
import { formatDuration, parseDuration } from '../../model/duration.ts';
import type { ScheduleKey } from '../../model/schedule-input.ts';
import { policiesOf, requestOf, requestFromArgs, type SchedulePlan } from './plan.ts';
import type { StateOptions } from './write.ts';

/** The keys of a schedule in the settings: always shown. */
const SETTINGS_FIELDS = [
  'every',
  'cron',
  'timezone',
  'interval',
  'catchUp',
  'paused',
  'note',
] as const satisfies (ScheduleKey | keyof StateOptions)[];

/** Other fields of a schedule in Temporal: shown if they differ. */
const TEMPORAL_FIELDS = [
  'overlap',
  'pauseOnFailure',
  'taskQueue',
  'workflow',
  'request',
  'jitter',
  'bounds',
] as const;

/** The name of a field. */
type FieldName = (typeof SETTINGS_FIELDS)[number] | (typeof TEMPORAL_FIELDS)[number];

/** The fields of a schedule, formatted for people; unset fields are absent. */
export type ScheduleFields = Readonly<Partial<Record<FieldName, string>>>;

/** The difference of a field: + added, ~ changed, = unchanged, - removed. */
export interface FieldChange {
  readonly field: FieldName;
  readonly change: '+' | '~' | '=' | '-';
  readonly from: string | null;
  readonly to: string | null;
}

/** The task queue, workflow and request of a schedule's runs. */
type ScheduledAction = Required<Pick<ScheduleFields, 'taskQueue' | 'workflow' | 'request'>>;

/**
 * Returns the fields that a source's schedule should have.
 * @param current Its fields now: `paused` and `note` are kept unless given.
 */
export function wantedFields(
  plan: SchedulePlan,
  taskQueue: string,
  state: StateOptions,
  current: ScheduleFields = {},
): ScheduleFields {
  const request = JSON.stringify({ ...requestOf(plan), interval: undefined });
  return toScheduleFields(plan, current, { taskQueue, workflow: 'ingest', request }, state);
}

/** Returns the fields of a schedule by its plan and action; `paused` and `note` are kept unless given. */
export function toScheduleFields(
  plan: SchedulePlan,
  current: ScheduleFields,
  action: ScheduledAction,
  { paused, note }: StateOptions = {},
): ScheduleFields {
  const { timing, interval, catchUp } = plan;
  const { overlap, pauseOnFailure } = policiesOf(plan);
  return fieldsOf({
    every: timing.kind === 'every' ? formatDuration(timing.seconds) : undefined,
    cron: timing.kind === 'cron' ? timing.expression : undefined,
    timezone: timing.kind === 'cron' ? timing.timezone : undefined,
    interval: interval === undefined ? undefined : formatDuration(interval),
    catchUp: formatDuration(catchUp),
    paused: paused === undefined ? (current.paused ?? 'false') : String(paused),
    note: note ?? current.note,
    overlap,
    pauseOnFailure: String(pauseOnFailure),
    ...action,
  });
}

/** Returns the fields of a schedule in Temporal, also of one that another program created. */
export function fieldsFromDescription({
  spec,
  policies,
  state,
  action,
}: ScheduleDescription): ScheduleFields {
  const every = (spec.intervals ?? []).map(
    ({ every: length, offset }) => formatDuration(length / 1000) + (offset > 0 ? ` + ${offset / 1000}s` : ''),
  );
  const calendars = (spec.calendars ?? []).map(({ comment }) => comment ?? 'a calendar');
  const { request, interval } = requestFromArgs(action.args);
  return fieldsOf({
    every: joinTexts(every),
    cron: joinTexts(calendars),
    timezone: calendars.length === 0 ? undefined : (joinTexts([spec.timezone ?? '']) ?? 'UTC'),
    interval: interval === undefined ? undefined : normalizeDuration(interval),
    catchUp: formatDuration(Math.round(policies.catchupWindow / 1000)),
    paused: String(state.paused),
    note: joinTexts([state.note ?? '']),
    overlap: policies.overlap,
    pauseOnFailure: String(policies.pauseOnFailure),
    taskQueue: action.taskQueue,
    workflow: action.workflowType,
    request: JSON.stringify(interval === undefined ? request : { ...request, interval: undefined }),
    jitter: formatJitter(spec),
    bounds: formatBounds(spec),
  });
}

function formatJitter({ jitter = 0 }: ScheduleDescription['spec']): string | undefined {
  return jitter === 0 ? undefined : `${jitter / 1000}s`;
}

/** Formats when a schedule starts, ends and takes no action, as JSON. */
function formatBounds({ startAt, endAt, skip = [] }: ScheduleDescription['spec']): string | undefined {
  const isBound = startAt !== undefined || endAt !== undefined || skip.length > 0;
  return isBound ? JSON.stringify({ startAt, endAt, skip }) : undefined;
}

/**
 * Compares the wanted fields of a schedule with its current ones.
 * @param current Undefined for a schedule that does not exist yet.
 */
export function diffFields(wanted: ScheduleFields, current: ScheduleFields | undefined): FieldChange[] {
  const names = [
    ...SETTINGS_FIELDS,
    ...TEMPORAL_FIELDS.filter((name) => current !== undefined && wanted[name] !== current[name]),
  ];
  return names.flatMap((field) => {
    const [from, to] = [current?.[field] ?? null, wanted[field] ?? null];
    if (from === null && to === null) return [];
    const change = from === to ? '=' : from === null ? '+' : to === null ? '-' : '~';
    return [{ field, change, from, to }];
  });
}

/** Formats the differences of a schedule's fields for people, a line per field. */
export function formatChanges(changes: readonly FieldChange[]): string[] {
  const width = Math.max(0, ...changes.map(({ field }) => field.length));
  return changes.map(({ field, change, from, to }) => {
    const value = change === '~' ? `${from ?? ''} → ${to ?? ''}` : (to ?? from ?? '');
    return `  ${change} ${field.padEnd(width)}  ${value}`;
  });
}

function fieldsOf(fields: Readonly<Record<string, string | undefined>>): ScheduleFields {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== undefined));
}

function joinTexts(texts: readonly string[]): string | undefined {
  return texts.join('') === '' ? undefined : texts.join(' and ');
}

/** Formats a duration in the short form; returns any other text unchanged. */
function normalizeDuration(text: string): string {
  const seconds = parseDuration(text);
  return seconds === undefined ? text : formatDuration(seconds);
}
