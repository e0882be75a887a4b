import { ScheduleOverlapPolicy, type ScheduleDescription, type ScheduleSpec } from '@temporalio/client';
import { formatDuration, isoDuration, parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { IngestRequest } from '../../model/run.ts';
import {
  WordError,
  readSchedule,
  type ScheduleMeaning,
  type ScheduleWord,
  type ScheduleWords,
  type Timing,
} from '../../model/schedule-words.ts';
import type { SourceSettings } from '../../model/settings.ts';

/** What a source's schedule does. */
export interface SchedulePlan extends ScheduleMeaning {
  readonly source: string;
}

/**
 * Makes a plan of the words of `pipeline schedule set`.
 * @throws {PipelineError} SCHEDULE_INVALID, naming the word that is off and what it could be.
 */
export function schedulePlanOf(source: string, { url }: SourceSettings, words: ScheduleWords): SchedulePlan {
  try {
    return { source, ...readSchedule(words, url, optionOf) };
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
    const { word, message } = error;
    throw scheduleInvalid(
      word === undefined ? message : `${optionOf(word)} ${JSON.stringify(words[word])}: ${message}`,
    );
  }
}

function optionOf(word: ScheduleWord): string {
  return word === 'catchUp' ? '--catch-up' : `--${word}`;
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
export function policiesOf({ interval, catchUp }: SchedulePlan) {
  return {
    overlap: interval === undefined ? ScheduleOverlapPolicy.SKIP : ScheduleOverlapPolicy.BUFFER_ALL,
    catchupWindow: catchUp * 1000,
    // One interval that cannot be had is no reason to stop all that follow.
    pauseOnFailure: false,
  } as const;
}

/**
 * Returns the request of a schedule in Temporal, and its interval where that is a text.
 * @param args What the schedule gives to its runs: others may have put anything there.
 */
export function requestFromArgs(args: unknown): {
  readonly request: object;
  readonly interval: string | undefined;
} {
  const given: unknown = Array.isArray(args) ? args[0] : undefined;
  const request = typeof given === 'object' && given !== null ? given : {};
  const interval =
    'interval' in request && typeof request.interval === 'string' ? request.interval : undefined;
  return { request, interval };
}

/** What a schedule in Temporal does, if it is of this program; whoever changed it. */
export function planFromDescription(
  source: string,
  { spec, action, policies }: ScheduleDescription,
): SchedulePlan {
  const [every] = spec.intervals ?? [];
  const expressions = (spec.calendars ?? []).map(({ comment }) => comment ?? 'a calendar');
  return {
    source,
    timing:
      every === undefined
        ? { kind: 'cron', expression: expressions.join(' and '), timezone: timezoneNamed(spec.timezone) }
        : { kind: 'every', seconds: every.every / 1000 },
    interval: parseDuration(requestFromArgs(action.args).interval ?? ''),
    catchUp: policies.catchupWindow / 1000,
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
export function scheduleInvalid(message: string): PipelineError {
  return new PipelineError('SCHEDULE_INVALID', message);
}
