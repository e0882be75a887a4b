import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { INTERRUPTED } from '../../client/cli/exit.ts';
import { formatTime } from '../../client/cli/output.ts';
import { describeSchedule, queueOf, scheduleIdOf } from '../../client/schedules/temporal.ts';
import { formatNumber } from '../../model/figures.ts';
import { generateAttempts, type FeedAttempt } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ROOT, TestPipeline } from '../../test/support/harness.ts';
import type { Bench, Context } from '../context.ts';

/** The generated attempts start on 68 days; 2,000 intervals cover all but the last. */
const SEED = 11;
const COUNT = 9000;
const FROM_MS = Date.UTC(2017, 10, 21);
const MINUTES = 48;

/** Share after which the command is interrupted, and run again. */
const STOPPED_AFTER = 0.3;
const REPORT_EVERY = 100;

const Result = z.object({
  intervals: z.int(),
  before: z.int(),
  completed: z.int(),
  failed: z.array(z.unknown()),
  waiting: z.null(),
});

/** Backfills all past intervals of a schedule. */
export const backfillBench: Bench = {
  name: 'backfill',
  title: 'Two thousand intervals',
  about:
    'A source over HTTP with intervals of 48 minutes: `pipeline schedule backfill` runs 2,000 of them, is stopped with Ctrl-C after three tenths, and is run again. Each interval is a run; they run in sequence. The benchmark fails unless every interval ran once and succeeded, and the tables have each attempt once. It compares the time between the ends of consecutive runs, in the last tenth and in the first.',
  needs: [],
  run: async (context) => {
    const intervals = context.quick ? 40 : 2000;
    const toMs = FROM_MS + intervals * MINUTES * 60_000;
    const expected = [...generateAttempts({ seed: SEED, count: COUNT, fromMs: FROM_MS, toMs })];
    const source = `backfill-${Date.now().toString(36)}`;
    const platform = await startPlatform({ port: 0, seed: SEED, count: COUNT });
    const pipeline = await TestPipeline.create({
      [source]: { url: `${platform.url}/attempts?from={from}&to={to}` },
    });
    try {
      await pipeline.startWorker();
      await makeSchedule(pipeline, source);
      const began = performance.now();
      const command = new BackfillCommand(pipeline, source, context.say);
      const queued = await bring(context, command, { intervals, toMs });
      const seconds = (performance.now() - began) / 1000;
      await requireRight(pipeline, platform, { intervals, expected });
      const { first, last } = await pacesOf(pipeline, intervals);
      return {
        attempts: expected.length,
        bytes: Buffer.byteLength(JSON.stringify(expected)),
        sides: [],
        goals: [
          {
            what: 'backfill: an interval late / early',
            value: last / first,
            unit: 'times',
            sense: 'at most',
            bound: 1.5,
          },
        ],
        notes: [
          `${formatNumber(intervals)} intervals in ${formatNumber(Math.round(seconds))} s, including the stop: ${first.toFixed(2)} s each at first, ${last.toFixed(2)} s each at last.`,
          `Temporal had at most ${formatNumber(queued)} of them in its queue of 1,000.`,
        ],
      };
    } finally {
      await pipeline.client.schedule.getHandle(scheduleIdOf(source)).delete();
      await pipeline.close();
      await platform.close();
    }
  },
};

/** Creates the schedule, paused so that its own times add no runs. */
async function makeSchedule(pipeline: TestPipeline, source: string): Promise<void> {
  const words = ['schedule', 'set', source, '--every', `${MINUTES}m`, '--paused'];
  const { code, stderr } = await pipeline.command(...words);
  if (code !== 0) throw new Error(`the schedule was not made: ${stderr}`);
}

/** Backfills the intervals by an interrupted command and a second one; returns the maximum queued at once. */
async function bring(
  context: Context,
  command: BackfillCommand,
  range: { readonly intervals: number; readonly toMs: number },
): Promise<number> {
  const words = ['--from', formatTime(new Date(FROM_MS)), '--to', formatTime(new Date(range.toMs)), '--json'];
  if (context.quick) words.push('--part', '10');
  const stopAt = Math.round(range.intervals * STOPPED_AFTER);
  const stopped = await command.run(words, stopAt);
  if (stopped.code !== INTERRUPTED)
    throw new Error(`the backfill that was stopped ended with ${stopped.code}: ${stopped.stderr}`);
  context.say(`  stopped after ${formatNumber(stopAt)} intervals`);
  const { code, stdout, stderr } = await command.run(words, Infinity);
  if (code !== 0) throw new Error(`the backfill ended with ${code}: ${stderr}`);
  const { intervals, before, completed, failed } = Result.parse(JSON.parse(stdout));
  const isAll = intervals === range.intervals && before >= stopAt && before + completed === intervals;
  if (!isAll || failed.length > 0) throw new Error(`the backfill came to ${stdout}`);
  return command.queued;
}

/** `pipeline schedule backfill`, as a user runs it. */
class BackfillCommand {
  /** Maximum of intervals in Temporal's queue. */
  queued = 0;
  readonly #pipeline: TestPipeline;
  readonly #source: string;
  readonly #say: (line: string) => void;

  constructor(pipeline: TestPipeline, source: string, say: (line: string) => void) {
    this.#pipeline = pipeline;
    this.#source = source;
    this.#say = say;
  }

  /** Runs the command, and interrupts it (SIGINT) once it has landed the given number of intervals. */
  async run(
    words: readonly string[],
    stopAt: number,
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const program = [join(ROOT, 'bin/pipeline.js'), 'schedule', 'backfill', this.#source, ...words];
    const child = spawn(process.execPath, program, {
      env: { ...process.env, PIPELINE_CONFIG: this.#pipeline.settingsFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, last, reported] = ['', '', 0];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const ended = once(child, 'close') as Promise<[number | null]>;
    for await (const line of createInterface({ input: child.stderr })) {
      last = line;
      const [, done] = /^(\d+) of \d+ intervals have run/.exec(line) ?? [];
      if (done === undefined) continue;
      const described = await describeSchedule(this.#pipeline.client, this.#source);
      this.queued = Math.max(this.queued, queueOf(described).queued);
      if (Number(done) >= reported + REPORT_EVERY) {
        reported = Number(done);
        this.#say(`  ${formatNumber(reported)} intervals`);
      }
      if (Number(done) >= stopAt) child.kill('SIGINT');
    }
    const [code] = await ended;
    return { code, stdout, stderr: last };
  }
}

/** Checks that each interval ran once and completed, and that each attempt landed once. */
async function requireRight(
  pipeline: TestPipeline,
  platform: Platform,
  { intervals, expected }: { intervals: number; expected: readonly FeedAttempt[] },
): Promise<void> {
  const asked = [...platform.totals.values()].reduce((sum, { requests }) => sum + requests, 0);
  if (asked !== intervals)
    throw new Error(`the customer was asked ${asked} times for ${intervals} intervals`);
  const sql = 'SELECT count(*)::INT AS rows, count(DISTINCT user_exam_id)::INT AS attempts FROM attempts';
  const { stdout, stderr } = await pipeline.command('query', '--json', sql);
  const [found] = z.array(z.object({ rows: z.int(), attempts: z.int() })).parse(JSON.parse(stdout || '[]'));
  const due = { rows: expected.length, attempts: new Set(expected.map((one) => one.user_exam_id)).size };
  if (found?.rows !== due.rows || found.attempts !== due.attempts)
    throw new Error(`landed ${JSON.stringify(found)} in place of ${JSON.stringify(due)}: ${stderr}`);
}

/** Returns the seconds per run, of the first tenth of the runs and of the last. */
async function pacesOf(pipeline: TestPipeline, intervals: number): Promise<{ first: number; last: number }> {
  const ends: number[] = [];
  const query = `TaskQueue = '${pipeline.name}' AND ExecutionStatus = 'Completed'`;
  for await (const { closeTime } of pipeline.client.workflow.list({ query }))
    if (closeTime !== undefined) ends.push(closeTime.getTime());
  if (ends.length !== intervals) throw new Error(`${ends.length} runs of ${intervals} ended well`);
  ends.sort((one, other) => one - other);
  const tenth = Math.floor(intervals / 10);
  const pace = (from: number, to: number): number =>
    ((ends[to] ?? 0) - (ends[from] ?? 0)) / (to - from) / 1000;
  return { first: pace(0, tenth), last: pace(intervals - 1 - tenth, intervals - 1) };
}
