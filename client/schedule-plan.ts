import { ScheduleOverlapPolicy, type ScheduleDescription, type ScheduleSpec } from '@temporalio/client';
import { DURATION_EXAMPLES, formatDuration, isoDuration, parseDuration } from '../model/duration.ts';
import { PipelineError } from '../model/errors.ts';
import type { IngestRequest } from '../model/run.ts';
import type { SourceSettings } from '../model/settings.ts';

/** When a schedule starts runs. `every` counts from the beginning of 1970 in UTC, so 1h is each full hour. */
export type Timing =
  | { readonly kind: 'every'; readonly seconds: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timezone: string };

/** What a source's schedule does. */
export interface SchedulePlan {
  readonly source: string;
  readonly timing: Timing;
  /** How long before its scheduled time each run asks the customer for, in seconds; undefined for all. */
  readonly interval: number | undefined;
}

/** The words of `pipeline schedule set`. */
export interface TimingWords {
  readonly every?: string;
  readonly cron?: string;
  readonly timezone?: string;
  readonly interval?: string;
}

const PLACEHOLDER = /\{(from|to)\}/;

/**
 * Makes a plan of the words of a person.
 * @throws {PipelineError} SCHEDULE_INVALID, naming the word that is off and what it could be.
 */
export function planOf(source: string, { url }: SourceSettings, words: TimingWords): SchedulePlan {
  const timing = timingOf(words);
  const asksInterval = PLACEHOLDER.test(url ?? '');
  const { interval } = words;
  if (!asksInterval) {
    if (interval === undefined || interval === 'none') return { source, timing, interval: undefined };
    throw invalid(
      `--interval ${interval}: the url of source ${source} has neither {from} nor {to}, so each run asks for all`,
    );
  }
  if (interval === 'none')
    throw invalid(`--interval none: the url of source ${source} has {from} or {to}, so it needs an interval`);
  if (interval !== undefined) return { source, timing, interval: secondsOf('--interval', interval) };
  if (timing.kind === 'every') return { source, timing, interval: timing.seconds };
  throw invalid(
    `the url of source ${source} has {from} or {to}: say with --interval how much each run brings, as 1d for one each day`,
  );
}

function timingOf({ every, cron, timezone }: TimingWords): Timing {
  if ((every === undefined) === (cron === undefined))
    throw invalid('give one of --every, as 15m, and --cron, as "0 3 * * *"');
  if (every !== undefined) {
    if (timezone !== undefined) throw invalid('--timezone belongs to --cron; --every counts in UTC');
    return { kind: 'every', seconds: secondsOf('--every', every) };
  }
  const expression = (cron ?? '').trim();
  if (/^@every\b/.test(expression)) throw invalid('--cron @every: give --every instead');
  if (/^(CRON_)?TZ=/.test(expression)) throw invalid('--cron with a time zone: give --timezone instead');
  if (expression.includes('#')) throw invalid('--cron can have no comment: give --note instead');
  return { kind: 'cron', expression, timezone: timezoneOf(timezone ?? 'UTC') };
}

function secondsOf(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw invalid(
    `${option} ${JSON.stringify(text)}: must be a duration of whole seconds, as ${DURATION_EXAMPLES}`,
  );
}

function timezoneOf(name: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch (cause) {
    throw new PipelineError(
      'SCHEDULE_INVALID',
      `--timezone ${JSON.stringify(name)}: must be a time zone's name, as Europe/Berlin`,
      { cause },
    );
  }
}

/** The request that each run of the schedule is started with; its interval ends at its scheduled time. */
export function requestOf({ source, interval }: SchedulePlan): IngestRequest {
  return interval === undefined ? { source } : { source, interval: isoDuration(interval) };
}

/** The times, as Temporal takes them. It compiles a cron expression, but keeps a comment, which shows it again. */
export function specOf({ timing }: SchedulePlan): ScheduleSpec {
  if (timing.kind === 'every') return { intervals: [{ every: timing.seconds * 1000 }] };
  return { cronExpressions: [`${timing.expression} # ${timing.expression}`], timezone: timing.timezone };
}

/**
 * What happens to a time that comes while an earlier run goes on, or waits for a person; and to times that
 * passed while Temporal was down.
 *
 * A run for an interval is the only one that brings that interval: each is queued, and they run in order, since
 * SKIP and BUFFER_ONE would lose all but one of them. A run that brings all there is does the work of those
 * that were skipped before it.
 */
export function policiesOf({ interval }: SchedulePlan) {
  return {
    overlap: interval === undefined ? ScheduleOverlapPolicy.SKIP : ScheduleOverlapPolicy.BUFFER_ALL,
    // An outage over a weekend loses nothing.
    catchupWindow: '3 days',
    // One interval that cannot be had is no reason to stop all that follow.
    pauseOnFailure: false,
  } as const;
}

/** What a schedule in Temporal does, if it is of this program; whoever changed it. */
export function planFrom(source: string, { spec, action }: ScheduleDescription): SchedulePlan {
  const [request] = (action.args ?? []) as [Partial<IngestRequest>?];
  const [every] = spec.intervals ?? [];
  const expressions = (spec.calendars ?? []).map(({ comment }) => comment ?? 'a calendar');
  return {
    source,
    timing:
      every === undefined
        ? { kind: 'cron', expression: expressions.join(' and '), timezone: timezoneNamed(spec.timezone) }
        : { kind: 'every', seconds: every.every / 1000 },
    interval: parseDuration(request?.interval ?? ''),
  };
}

function timezoneNamed(name: string | undefined): string {
  return name === undefined || name === '' ? 'UTC' : name;
}

/** When a schedule starts runs, for people. */
export function formatTiming(timing: Timing): string {
  return timing.kind === 'every'
    ? `every ${formatDuration(timing.seconds)}`
    : `cron ${timing.expression} (${timing.timezone})`;
}

/** An error of the words of a schedule command. */
export function invalid(message: string): PipelineError {
  return new PipelineError('SCHEDULE_INVALID', message);
}
