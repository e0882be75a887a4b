import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { parseDuration } from '../model/duration.ts';
import type { IngestRequest } from '../model/run.ts';
import { SCHEDULED_BY, SCHEDULED_TIME } from '../model/schedule.ts';

const DAY_SECONDS = 86_400;

/** Returns the seconds that a run waits for a decision; null, without end, unless a schedule started it. */
export function scheduledDecisionTimeout(request: IngestRequest): number | null {
  return isScheduled() ? decisionTimeoutOf(request) : null;
}

/** Whether a schedule started this run: by its time, by a trigger or by a backfill. */
function isScheduled(): boolean {
  return workflowInfo().typedSearchAttributes.get(SCHEDULED_BY) !== undefined;
}

/**
 * Returns the request with `from` and `to` in place of its interval, which ends at the scheduled time: not at the time
 * the run began, so that the intervals of late runs and of backfills join.
 * @throws {ApplicationFailure} REQUEST_INVALID for an interval without a schedule, or `again` with one.
 */
export function withInterval({ interval, ...request }: IngestRequest): IngestRequest {
  if (request.again === true && isScheduled())
    throw ApplicationFailure.nonRetryable(
      'the request has again = true, which a schedule cannot have: it would double the content each time',
      'REQUEST_INVALID',
    );
  // The Temporal UI's form may also give null.
  if (typeof interval !== 'string') return request;
  const to = workflowInfo().typedSearchAttributes.get(SCHEDULED_TIME);
  if (to === undefined) {
    throw ApplicationFailure.nonRetryable(
      `the request has the interval ${interval}, which ends at the time that a schedule gives, but no schedule ` +
        `started this run. Give from and to instead: {"source": "${request.source}", ` +
        '"from": "2026-01-31T00:00:00Z", "to": "2026-01-31T01:00:00Z"}',
      'REQUEST_INVALID',
    );
  }
  return { ...request, ...intervalBefore(to, parseDuration(interval) ?? 0) };
}

/** Returns the interval [time - seconds, time), in UTC. */
export function intervalBefore(time: Date, seconds: number): { from: string; to: string } {
  return { from: wholeSeconds(time.getTime() - seconds * 1000), to: wholeSeconds(time.getTime()) };
}

/**
 * Returns the seconds that a scheduled run waits for a decision: a weekend, but at most a hundred of its intervals, since
 * later runs queue behind it, of which Temporal keeps a thousand.
 */
export function decisionTimeoutOf({ interval }: IngestRequest): number {
  const seconds = parseDuration(interval ?? '');
  return Math.min(3 * DAY_SECONDS, seconds === undefined ? Infinity : 100 * seconds);
}

/** Schedules have no fractions of a second, and many servers do not accept them. */
function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
