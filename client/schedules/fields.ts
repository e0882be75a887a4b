import type { ScheduleDescription } from '@temporalio/client';
import { formatDuration, parseDuration } from '../../model/duration.ts';
import type { ScheduleWord } from '../../model/schedule-words.ts';
import { policiesOf, requestOf, requestFromArgs, type SchedulePlan } from './plan.ts';
import type { StateOptions } from './write.ts';

/** The keys of a schedule in the settings, which are always shown; and what else Temporal has, if it differs. */
const SHOWN = ['every', 'cron', 'timezone', 'interval', 'catchUp', 'paused', 'note'] as const satisfies (
  ScheduleWord | keyof StateOptions
)[];
const OTHERS = ['overlap', 'pauseOnFailure', 'taskQueue', 'workflow', 'request', 'jitter', 'bounds'] as const;

/** The name of a field. */
type FieldName = (typeof SHOWN)[number] | (typeof OTHERS)[number];

/** What a schedule says, each field as a person reads it; one that it does not say is left out. */
export type ScheduleFields = Readonly<Partial<Record<FieldName, string>>>;

/** How a field differs: it is new, changes, stays as it is, or goes. */
export interface FieldChange {
  readonly field: FieldName;
  readonly change: '+' | '~' | '=' | '-';
  readonly from: string | null;
  readonly to: string | null;
}

/**
 * What a schedule is to say.
 * @param there What it says now: its state stays where nobody says otherwise.
 */
export function wantedFields(
  plan: SchedulePlan,
  taskQueue: string,
  { paused, note }: StateOptions,
  there: ScheduleFields = {},
): ScheduleFields {
  const { timing, interval, catchUp } = plan;
  const { overlap, pauseOnFailure } = policiesOf(plan);
  return fieldsOf({
    every: timing.kind === 'every' ? formatDuration(timing.seconds) : undefined,
    cron: timing.kind === 'cron' ? timing.expression : undefined,
    timezone: timing.kind === 'cron' ? timing.timezone : undefined,
    interval: interval === undefined ? undefined : formatDuration(interval),
    catchUp: formatDuration(catchUp),
    paused: paused === undefined ? (there.paused ?? 'false') : String(paused),
    note: note ?? there.note,
    overlap,
    pauseOnFailure: String(pauseOnFailure),
    taskQueue,
    workflow: 'ingest',
    request: JSON.stringify({ ...requestOf(plan), interval: undefined }),
  });
}

/** What a schedule says in Temporal, whoever made it. */
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
  const { startAt, endAt, skip = [] } = spec;
  const isBound = startAt !== undefined || endAt !== undefined || skip.length > 0;
  return fieldsOf({
    every: textOf(every),
    cron: textOf(calendars),
    timezone: calendars.length === 0 ? undefined : (textOf([spec.timezone ?? '']) ?? 'UTC'),
    interval: interval === undefined ? undefined : shortDuration(interval),
    catchUp: formatDuration(Math.round(policies.catchupWindow / 1000)),
    paused: String(state.paused),
    note: textOf([state.note ?? '']),
    overlap: policies.overlap,
    pauseOnFailure: String(policies.pauseOnFailure),
    taskQueue: action.taskQueue,
    workflow: action.workflowType,
    request: JSON.stringify(interval === undefined ? request : { ...request, interval: undefined }),
    jitter: spec.jitter === undefined || spec.jitter === 0 ? undefined : `${spec.jitter / 1000}s`,
    bounds: isBound ? JSON.stringify({ startAt, endAt, skip }) : undefined,
  });
}

/** How what is wanted differs from what is there. */
export function diffFields(wanted: ScheduleFields, there: ScheduleFields | undefined): FieldChange[] {
  const names = [...SHOWN, ...OTHERS.filter((name) => there !== undefined && wanted[name] !== there[name])];
  return names.flatMap((field) => {
    const [from, to] = [there?.[field] ?? null, wanted[field] ?? null];
    if (from === null && to === null) return [];
    const change = from === to ? '=' : from === null ? '+' : to === null ? '-' : '~';
    return [{ field, change, from, to }];
  });
}

/** The lines of a difference for people, a field each. */
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

function textOf(texts: readonly string[]): string | undefined {
  return texts.join('') === '' ? undefined : texts.join(' and ');
}

/** As this program writes it, where it is a duration. */
function shortDuration(text: string): string {
  const seconds = parseDuration(text);
  return seconds === undefined ? text : formatDuration(seconds);
}
