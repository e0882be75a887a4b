import { ScheduleOverlapPolicy, type ScheduleDescription, type ScheduleSpec } from '@temporalio/client';
import { formatDuration, isoDuration, parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { IngestRequest } from '../../model/run.ts';
import {
  ScheduleKeyError,
  parseSchedule,
  type ParsedSchedule,
  type ScheduleKey,
  type ScheduleInput,
  type Timing,
} from '../../model/schedule-input.ts';
import type { SourceSettings } from '../../model/settings.ts';
import { templatesOf } from '../../model/settings-source.ts';

/** The times, interval and catch-up window of a source's schedule. */
export interface SchedulePlan extends ParsedSchedule {
  readonly source: string;
}

/**
 * Creates a plan from the options of `pipeline schedule set`, or from the schedule in the settings.
 * @throws {PipelineError} SCHEDULE_INVALID, naming the invalid option and what is allowed
 */
export function schedulePlanOf(source: string, settings: SourceSettings, input: ScheduleInput): SchedulePlan {
  try {
    return { source, ...parseSchedule(input, templatesOf(settings), optionOf) };
  } catch (error) {
    if (!(error instanceof ScheduleKeyError)) throw error;
    const { word, message } = error;
    throw scheduleInvalid(
      word === undefined ? message : `${optionOf(word)} ${JSON.stringify(input[word])}: ${message}`,
    );
  }
}

function optionOf(word: ScheduleKey): string {
  return word === 'catchUp' ? '--catch-up' : `--${word}`;
}

/** Returns the request of each run of the schedule; its interval ends at the run's scheduled time. */
export function requestOf({ source, interval }: SchedulePlan): IngestRequest {
  return interval === undefined ? { source } : { source, interval: isoDuration(interval) };
}

/** Returns Temporal's schedule spec. Temporal compiles cron expressions, so the comment keeps the original one. */
export function toScheduleSpec({ timing }: SchedulePlan): ScheduleSpec {
  if (timing.kind === 'every') return { intervals: [{ every: timing.seconds * 1000 }] };
  return { cronExpressions: [`${timing.expression} # ${timing.expression}`], timezone: timing.timezone };
}

/**
 * Returns Temporal's schedule policies: overlap (an earlier run is still running or waits for a person) and catch-up
 * window (Temporal was down).
 *
 * With an interval, runs are buffered and run in order: each fetches another interval, so SKIP and BUFFER_ONE would lose
 * data. Without one, a run ingests the whole source and thereby does the work of the skipped runs.
 */
export function policiesOf({ interval, catchUp }: SchedulePlan) {
  return {
    overlap: interval === undefined ? ScheduleOverlapPolicy.SKIP : ScheduleOverlapPolicy.BUFFER_ALL,
    catchupWindow: catchUp * 1000,
    // One failed interval must not stop the intervals after it.
    pauseOnFailure: false,
  } as const;
}

/**
 * Returns the request of a schedule in Temporal, and its interval if that is a string.
 * @param args The schedule's workflow arguments; untrusted, since others can change the schedule.
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

/** Returns the plan of a schedule in Temporal, which others may have changed. */
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

/** Formats the times of a schedule for people. */
export function formatTiming(timing: Timing): string {
  return timing.kind === 'every'
    ? `every ${formatDuration(timing.seconds)}`
    : `cron ${timing.expression} (${timing.timezone})`;
}

/** Returns the error for invalid options of a schedule command. */
export function scheduleInvalid(message: string): PipelineError {
  return new PipelineError('SCHEDULE_INVALID', message);
}
