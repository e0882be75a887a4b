import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { PipelineError } from '../../model/errors.ts';
import { readSettings } from '../../model/settings.ts';
import { EXIT, INTERRUPTED } from '../cli/exit.ts';
import { formatTime, print, printError, printJson } from '../cli/output.ts';
import { scheduleInvalid, planFromDescription } from './plan.ts';
import {
  describeSchedule,
  queueOf,
  scheduledRunsOf,
  scheduleIdOf,
  scheduledTimes,
  waitingRunOf,
  type StartedRun,
} from './temporal.ts';
import { withTemporal } from '../cli/temporal.ts';

/** Maximum number of intervals to queue at once: Temporal's buffer holds 1000 actions. */
export const MAX_INTERVALS_PER_REQUEST = 500;

/** Default number of intervals to queue at once: low, since runs that become due meanwhile queue behind them. */
export const DEFAULT_INTERVALS_PER_REQUEST = 100;

/** Selects the intervals to run. */
export interface BackfillRequest {
  readonly source: string;
  readonly from: Date;
  readonly to: Date;
  /** Number of intervals to queue in Temporal at once. */
  readonly part: number;
}

/** The outcome of a backfill. */
export interface BackfillResult {
  readonly intervals: number;
  /** Intervals whose run had completed, or was already running, before this backfill. */
  readonly before: number;
  readonly completed: number;
  /** Runs that ended without completing. */
  readonly failed: readonly StartedRun[];
  /** A run that waits for a person and blocks the queue; the parts after it were not queued. */
  readonly waiting: string | undefined;
}

/** Scheduled times that are queued at once, also as the fewest ranges that contain no other time. */
export interface Part {
  readonly times: readonly number[];
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

const POLL_MS = 500;
const STALL_TIMEOUT_MS = 60_000;
const DONE_STATES = new Set(['COMPLETED', 'RUNNING', 'WAITING']);

/**
 * Runs a schedule for the past intervals that overlap [from, to). Skips intervals whose run completed, is running or
 * waits, so that a stopped backfill can be continued.
 * @param report Called with lines about the progress.
 * @throws {PipelineError} SCHEDULE_UNKNOWN, SCHEDULE_INVALID, SCHEDULE_STALLED
 */
export async function backfillIntervals(
  client: Client,
  request: BackfillRequest,
  report: (line: string) => void,
): Promise<BackfillResult> {
  const { source, part: size } = request;
  const times = await intervalEnds(client, request);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined)
    throw scheduleInvalid(`the schedule of ${source} has no past interval between --from and --to`);
  // Intervals still queued by an earlier backfill would run twice.
  await waitForEmptyQueue(client, source, report);
  const known = await scheduledRunsOf(client, source, new Date(first), new Date(last));
  const pending = times.filter((time) => !DONE_STATES.has(known.get(time)?.state ?? ''));
  const ended: StartedRun[] = [];
  let waiting: string | undefined;
  for (const part of splitIntoParts(times, new Set(pending), size)) {
    const onProgress = (done: number): void => {
      report(
        `${ended.length + done} of ${pending.length} intervals have run; running those from ${formatTime(new Date(part.times[0] ?? 0))}`,
      );
    };
    const outcome = await runPart(client, source, { part, known, onProgress });
    ended.push(...outcome.ended);
    waiting = outcome.waiting;
    if (waiting !== undefined) break;
  }
  const failed = ended.filter(({ state }) => state !== 'COMPLETED');
  const before = times.length - pending.length;
  return { intervals: times.length, before, completed: ended.length - failed.length, failed, waiting };
}

interface BackfillOptions {
  readonly from: Date;
  readonly to: Date;
  readonly part: number;
  readonly json?: boolean;
}

/** Runs `pipeline schedule backfill SOURCE`. */
export async function backfillSchedule(source: string, { json, ...range }: BackfillOptions): Promise<void> {
  process.once('SIGINT', () => {
    printError(
      'stopped; intervals already queued in Temporal still run. Run the same command again for the rest.',
    );
    process.exit(INTERRUPTED);
  });
  await withTemporal(readSettings(), async (client) => {
    const result = await backfillIntervals(client, { source, ...range }, printError);
    if (json === true) printJson(jsonOf(source, result));
    else print(formatResult(source, result));
    if (result.failed.length > 0) process.exitCode = EXIT.failed;
    if (result.waiting !== undefined) process.exitCode = EXIT.waiting;
  });
}

function jsonOf(source: string, { failed, waiting, ...counts }: BackfillResult): object {
  const ended = failed.map(({ workflowId: run, state, scheduledMs }) => ({
    run,
    state: state.toLowerCase(),
    scheduled: formatTime(new Date(scheduledMs)),
  }));
  return { source, ...counts, failed: ended, waiting: waiting ?? null };
}

function formatResult(source: string, result: BackfillResult): string[] {
  const { intervals, before, completed, failed, waiting } = result;
  const lines = [
    `${source}: ${intervals} intervals: ${before} had run before, ${completed} ran now, ${failed.length} failed`,
    ...failed.map(({ workflowId, state }) => `failed: ${workflowId} (${state.toLowerCase()})`),
  ];
  if (waiting === undefined) return lines;
  return [
    ...lines,
    `${waiting} waits for a person and blocks the other intervals; see: pipeline status ${waiting}`,
    'then run the same command again',
  ];
}

/** Returns the scheduled times of the past intervals, each the end of its interval, in milliseconds since the epoch. */
async function intervalEnds(client: Client, { source, from, to }: BackfillRequest): Promise<number[]> {
  if (from >= to) throw scheduleInvalid(`--from ${formatTime(from)} must be before --to ${formatTime(to)}`);
  const { interval } = planFromDescription(source, await describeSchedule(client, source));
  if (interval === undefined) {
    throw scheduleInvalid(
      `each run of the schedule of ${source} ingests the whole source, so there is nothing to backfill; ` +
        `start a run with: pipeline schedule trigger ${source}`,
    );
  }
  const lastEnd = Math.min(to.getTime() + interval * 1000 - 1, Date.now());
  const times: number[] = [];
  const range = [new Date(from.getTime() + 1), new Date(lastEnd)] as const;
  for await (const time of scheduledTimes(client, source, ...range)) times.push(time.getTime());
  return times;
}

/** Splits the pending times into parts of at most `size` times. */
export function splitIntoParts(times: readonly number[], pending: ReadonlySet<number>, size: number): Part[] {
  const parts: { times: number[]; ranges: { start: number; end: number }[] }[] = [];
  let range: { start: number; end: number } | undefined;
  let part: (typeof parts)[number] | undefined;
  for (const time of times) {
    if (!pending.has(time)) {
      // Temporal would run every time within a range.
      range = undefined;
      continue;
    }
    if (part === undefined || part.times.length >= size) {
      part = { times: [], ranges: [] };
      parts.push(part);
      range = undefined;
    }
    part.times.push(time);
    if (range === undefined) {
      range = { start: time, end: time };
      part.ranges.push(range);
    } else range.end = time;
  }
  return parts;
}

interface PartWork {
  readonly part: Part;
  /** Earlier runs of its times; all failed. */
  readonly known: ReadonlyMap<number, StartedRun>;
  readonly onProgress: (done: number) => void;
}

async function runPart(
  client: Client,
  source: string,
  { part, known, onProgress }: PartWork,
): Promise<{ ended: StartedRun[]; waiting: string | undefined }> {
  const [first = 0, last = 0] = [part.times[0], part.times.at(-1)];
  await client.schedule.getHandle(scheduleIdOf(source)).backfill(
    part.ranges.map(({ start, end }) => ({
      start: new Date(start),
      end: new Date(end),
      overlap: ScheduleOverlapPolicy.BUFFER_ALL,
    })),
  );
  let lastEnded = -1;
  let progressMs = Date.now();
  for (;;) {
    const runs = await scheduledRunsOf(client, source, new Date(first), new Date(last));
    const begun = part.times.flatMap((time) => newRunOf(time, runs, known));
    const ended = begun.filter(({ state }) => state !== 'RUNNING' && state !== 'WAITING');
    if (ended.length !== lastEnded) onProgress(ended.length);
    if (ended.length === part.times.length) return { ended, waiting: undefined };
    const waiting = await waitingRunOf(client, source);
    if (waiting !== undefined) return { ended, waiting };
    if (ended.length !== lastEnded || begun.length > ended.length) progressMs = Date.now();
    lastEnded = ended.length;
    if (Date.now() - progressMs > STALL_TIMEOUT_MS)
      await requireQueued(client, source, part.times.length - ended.length);
    await sleep(POLL_MS);
  }
}

function newRunOf(
  time: number,
  runs: ReadonlyMap<number, StartedRun>,
  known: ReadonlyMap<number, StartedRun>,
): StartedRun[] {
  const run = runs.get(time);
  return run === undefined || run.runId === known.get(time)?.runId ? [] : [run];
}

/**
 * Checks, after a time without progress, that the schedule has a queued or running action.
 * @throws {PipelineError} SCHEDULE_STALLED
 */
async function requireQueued(client: Client, source: string, missing: number): Promise<void> {
  const described = await describeSchedule(client, source);
  if (queueOf(described).queued > 0 || described.info.runningActions.length > 0) return;
  throw new PipelineError(
    'SCHEDULE_STALLED',
    `Temporal has nothing queued for ${scheduleIdOf(source)}, but did not start ${missing} of its intervals`,
  );
}

async function waitForEmptyQueue(
  client: Client,
  source: string,
  report: (line: string) => void,
): Promise<void> {
  let reported = -1;
  for (;;) {
    const { queued } = queueOf(await describeSchedule(client, source));
    if (queued === 0) return;
    const waiting = await waitingRunOf(client, source);
    if (queued !== reported) {
      const why = waiting === undefined ? '' : `; ${waiting} waits for a person (pipeline status ${waiting})`;
      report(`waiting for ${queued} runs that are queued already${why}`);
    }
    reported = queued;
    await sleep(POLL_MS);
  }
}
