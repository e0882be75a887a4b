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

/** How many intervals Temporal gets at once; it queues a thousand. */
export const MAX_INTERVALS_PER_REQUEST = 500;

/** Few, since a run whose time comes meanwhile waits behind them. */
export const DEFAULT_INTERVALS_PER_REQUEST = 100;

/** Which intervals to bring. */
export interface BackfillRequest {
  readonly source: string;
  readonly from: Date;
  readonly to: Date;
  /** How many intervals Temporal gets at once. */
  readonly part: number;
}

/** What became of the intervals. */
export interface BackfillResult {
  readonly intervals: number;
  /** Those that had run before, or ran already. */
  readonly before: number;
  readonly completed: number;
  /** The runs that did not end well. */
  readonly failed: readonly StartedRun[];
  /** A run that waits for a person, and holds up what follows; the rest was not handed over. */
  readonly waiting: string | undefined;
}

/** Times that are handed over at once: as few ranges of a schedule's times as they make. */
export interface Part {
  readonly times: readonly number[];
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

const POLL_MS = 500;
const STALLED_MS = 60_000;
const DONE = new Set(['COMPLETED', 'RUNNING', 'WAITING']);

/**
 * Runs a schedule for the intervals that have a part of [from, to) and are over. Those that ran before are left
 * alone, unless they failed; so the same command given again goes on where it was stopped.
 * @throws {PipelineError} SCHEDULE_UNKNOWN, SCHEDULE_INVALID, SCHEDULE_STALLED
 */
export async function backfill(
  client: Client,
  request: BackfillRequest,
  tell: (line: string) => void,
): Promise<BackfillResult> {
  const { source, part: size } = request;
  const times = await timesOf(client, request);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined)
    throw scheduleInvalid(
      `no interval of the schedule of ${source} that is over lies between --from and --to`,
    );
  // What an earlier command left there would run twice.
  await queueEmpty(client, source, tell);
  const known = await scheduledRunsOf(client, source, new Date(first), new Date(last));
  const todo = times.filter((time) => !DONE.has(known.get(time)?.state ?? ''));
  const ended: StartedRun[] = [];
  let waiting: string | undefined;
  for (const part of splitIntoParts(times, new Set(todo), size)) {
    const told = (done: number): void => {
      tell(
        `${ended.length + done} of ${todo.length} intervals have run; now those from ${formatTime(new Date(part.times[0] ?? 0))} on`,
      );
    };
    const outcome = await runPart(client, source, { part, known, told });
    ended.push(...outcome.ended);
    waiting = outcome.waiting;
    if (waiting !== undefined) break;
  }
  const failed = ended.filter(({ state }) => state !== 'COMPLETED');
  const before = times.length - todo.length;
  return { intervals: times.length, before, completed: ended.length - failed.length, failed, waiting };
}

interface BackfillOptions {
  readonly from: Date;
  readonly to: Date;
  readonly part: number;
  readonly json?: boolean;
}

/** `pipeline schedule backfill SOURCE` */
export async function backfillSchedule(source: string, { json, ...range }: BackfillOptions): Promise<void> {
  process.once('SIGINT', () => {
    printError(
      'stopped; what Temporal has already goes on. To go on with the rest, give the same command again.',
    );
    process.exit(INTERRUPTED);
  });
  await withTemporal(readSettings(), async (client) => {
    const result = await backfill(client, { source, ...range }, printError);
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
    `${waiting} waits for a person, and the rest waits for it; see: pipeline status ${waiting}`,
    'then give the same command again',
  ];
}

/** The scheduled times, each the end of its interval, in milliseconds. */
async function timesOf(client: Client, { source, from, to }: BackfillRequest): Promise<number[]> {
  if (from >= to) throw scheduleInvalid(`--from ${formatTime(from)} must be before --to ${formatTime(to)}`);
  const { interval } = planFromDescription(source, await describeSchedule(client, source));
  if (interval === undefined) {
    throw scheduleInvalid(
      `each run of the schedule of ${source} brings all there is, so there is nothing to fill in; ` +
        `start one with: pipeline schedule trigger ${source}`,
    );
  }
  const beforeEnd = Math.min(to.getTime() + interval * 1000 - 1, Date.now());
  const times: number[] = [];
  const range = [new Date(from.getTime() + 1), new Date(beforeEnd)] as const;
  for await (const time of scheduledTimes(client, source, ...range)) times.push(time.getTime());
  return times;
}

/** Splits what is to be run into parts of at most so many times. */
export function splitIntoParts(times: readonly number[], todo: ReadonlySet<number>, size: number): Part[] {
  const parts: { times: number[]; ranges: { start: number; end: number }[] }[] = [];
  let range: { start: number; end: number } | undefined;
  let part: (typeof parts)[number] | undefined;
  for (const time of times) {
    if (!todo.has(time)) {
      // A range of Temporal's takes in every time that lies in it.
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
  /** The runs that there were of its times: all of them failed. */
  readonly known: ReadonlyMap<number, StartedRun>;
  readonly told: (done: number) => void;
}

async function runPart(
  client: Client,
  source: string,
  { part, known, told }: PartWork,
): Promise<{ ended: StartedRun[]; waiting: string | undefined }> {
  const [first = 0, last = 0] = [part.times[0], part.times.at(-1)];
  await client.schedule.getHandle(scheduleIdOf(source)).backfill(
    part.ranges.map(({ start, end }) => ({
      start: new Date(start),
      end: new Date(end),
      overlap: ScheduleOverlapPolicy.BUFFER_ALL,
    })),
  );
  let seen = -1;
  let movedAt = Date.now();
  for (;;) {
    const runs = await scheduledRunsOf(client, source, new Date(first), new Date(last));
    const begun = part.times.flatMap((time) => newRunOf(time, runs, known));
    const ended = begun.filter(({ state }) => state !== 'RUNNING' && state !== 'WAITING');
    if (ended.length !== seen) told(ended.length);
    if (ended.length === part.times.length) return { ended, waiting: undefined };
    const waiting = await waitingRunOf(client, source);
    if (waiting !== undefined) return { ended, waiting };
    if (ended.length !== seen || begun.length > ended.length) movedAt = Date.now();
    seen = ended.length;
    if (Date.now() - movedAt > STALLED_MS)
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

/** Nothing has run for a while: fails unless it is that something else of the schedule runs. */
async function requireQueued(client: Client, source: string, missing: number): Promise<void> {
  const described = await describeSchedule(client, source);
  if (queueOf(described).queued > 0 || described.info.runningActions.length > 0) return;
  throw new PipelineError(
    'SCHEDULE_STALLED',
    `Temporal has nothing queued for ${scheduleIdOf(source)}, but did not start ${missing} of its intervals`,
  );
}

async function queueEmpty(client: Client, source: string, tell: (line: string) => void): Promise<void> {
  let told = -1;
  for (;;) {
    const { queued } = queueOf(await describeSchedule(client, source));
    if (queued === 0) return;
    const waiting = await waitingRunOf(client, source);
    if (queued !== told) {
      const why = waiting === undefined ? '' : `; ${waiting} waits for a person (pipeline status ${waiting})`;
      tell(`${queued} runs are queued already, which come first${why}`);
    }
    told = queued;
    await sleep(POLL_MS);
  }
}
