import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { INTERRUPTED } from '../../client/exit.ts';
import { formatNumber } from '../../model/figures.ts';
import { attempts } from '../../services/platform/generator.ts';
import { startPlatform, type Platform } from '../../services/platform/server.ts';
import { ROOT, TestPipeline } from '../../test/harness.ts';
import type { Bench, Context } from '../context.ts';

/** The generated attempts start on 68 days; of these, 2,000 intervals take all but the last. */
const SEED = 11;
const COUNT = 9000;
const FROM_MS = Date.UTC(2017, 10, 21);
const MINUTES = 48;

/** After so large a share it is stopped as by Ctrl-C, and given again. */
const STOPPED_AFTER = 0.3;

const Result = z.object({
  intervals: z.int(),
  before: z.int(),
  completed: z.int(),
  failed: z.array(z.unknown()),
  waiting: z.null(),
});

/** A schedule's past, all of it. */
export const backfill: Bench = {
  name: 'backfill',
  title: 'Two thousand intervals',
  about:
    'A source is asked for 48 minutes at a time over HTTP: `pipeline schedule backfill` brings 2,000 such intervals, is stopped as by Ctrl-C after a third of them, and is given again. Each interval is a run of its own, one after the other. It fails unless every interval ran once, and ended well, and the tables hold each of their attempts once. Compared is the time from one run’s end to the next’s, of the last tenth and of the first.',
  needs: [],
  run: async (context) => {
    const intervals = context.quick ? 40 : 2000;
    const toMs = FROM_MS + intervals * MINUTES * 60_000;
    const expected = [...attempts({ seed: SEED, count: COUNT, fromMs: FROM_MS, toMs })];
    const source = `backfill-${Date.now().toString(36)}`;
    const platform = await startPlatform({ port: 0, seed: SEED, count: COUNT });
    const pipeline = await TestPipeline.create({
      [source]: { url: `${platform.url}/attempts?from={from}&to={to}` },
    });
    try {
      await pipeline.startWorker();
      const schedule = new ScheduleCommands(pipeline, source);
      await schedule.make();
      const began = performance.now();
      const queued = await schedule.bring(context, { intervals, toMs });
      const seconds = (performance.now() - began) / 1000;
      await requireRight(pipeline, platform, { intervals, expected: expected.length });
      const { first, last } = await pacesOf(pipeline, source, intervals);
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
          `${formatNumber(intervals)} intervals in ${formatNumber(Math.round(seconds))} s, the stop included: ${first.toFixed(2)} s each at first, ${last.toFixed(2)} s each at last.`,
          `Temporal had at most ${formatNumber(queued)} of them in its queue, which holds 1,000.`,
        ],
      };
    } finally {
      await pipeline.client.schedule.getHandle(`ingest-${source}`).delete();
      await pipeline.close();
      await platform.close();
    }
  },
};

/** The command line, as a user gives it. */
class ScheduleCommands {
  readonly #pipeline: TestPipeline;
  readonly #source: string;

  constructor(pipeline: TestPipeline, source: string) {
    this.#pipeline = pipeline;
    this.#source = source;
  }

  /** Makes the schedule, paused: its own times must not come between. */
  async make(): Promise<void> {
    const { code, stderr } = await this.run(['set', this.#source, '--every', `${MINUTES}m`, '--paused']);
    if (code !== 0) throw new Error(`the schedule was not made: ${stderr}`);
  }

  /** Brings the intervals, by a command that is stopped and one that goes on; the most that were queued at once. */
  async bring(context: Context, range: { intervals: number; toMs: number }): Promise<number> {
    const words = ['backfill', this.#source, '--from', timeOf(FROM_MS), '--to', timeOf(range.toMs), '--json'];
    if (context.quick) words.push('--part', '10');
    const stopAt = Math.round(range.intervals * STOPPED_AFTER);
    let queued = 0;
    let told = 0;
    const watch = async (done: number, stop: () => void): Promise<void> => {
      const { raw } = await this.#pipeline.client.schedule.getHandle(`ingest-${this.#source}`).describe();
      queued = Math.max(queued, Number(raw.info?.bufferSize ?? 0));
      if (done >= told + range.intervals / 20) {
        told = done;
        context.say(`  ${formatNumber(done)} intervals`);
      }
      if (done >= stopAt) stop();
    };
    const stopped = await this.run(words, watch);
    if (stopped.code !== INTERRUPTED)
      throw new Error(`the backfill that was stopped ended with ${stopped.code}: ${stopped.stderr}`);
    told = 0;
    const { code, stdout, stderr } = await this.run(words, (done) => watch(done, () => undefined));
    if (code !== 0) throw new Error(`the backfill ended with ${code}: ${stderr}`);
    const { intervals, before, completed, failed } = Result.parse(JSON.parse(stdout));
    if (
      intervals !== range.intervals ||
      before < stopAt ||
      before + completed !== intervals ||
      failed.length > 0
    )
      throw new Error(`the backfill came to ${stdout}`);
    return queued;
  }

  /** Runs one to its end. `watch` hears how many intervals of this command have run, and can stop it. */
  async run(
    words: readonly string[],
    watch?: (done: number, stop: () => void) => Promise<void>,
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [join(ROOT, 'bin/pipeline.js'), 'schedule', ...words], {
      env: { ...process.env, PIPELINE_CONFIG: this.#pipeline.settingsFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, last] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const ended = once(child, 'close') as Promise<[number | null]>;
    for await (const line of createInterface({ input: child.stderr })) {
      last = line;
      const [, done] = /^(\d+) of \d+ intervals have run/.exec(line) ?? [];
      if (done !== undefined) await watch?.(Number(done), () => child.kill('SIGINT'));
    }
    const [code] = await ended;
    return { code, stdout, stderr: last };
  }
}

/** As the command line takes it: in whole seconds. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** Each interval ran once and ended well, and each attempt is there once. */
async function requireRight(
  pipeline: TestPipeline,
  platform: Platform,
  { intervals, expected }: { intervals: number; expected: number },
): Promise<void> {
  const asked = [...platform.totals.values()].reduce((sum, { requests }) => sum + requests, 0);
  if (asked !== intervals)
    throw new Error(`the customer was asked ${asked} times for ${intervals} intervals`);
  const sql = 'SELECT count(*)::INT AS rows, count(DISTINCT user_exam_id)::INT AS attempts FROM attempts';
  const { stdout, stderr } = await pipeline.command('query', '--json', sql);
  const [found] = z.array(z.object({ rows: z.int(), attempts: z.int() })).parse(JSON.parse(stdout || '[]'));
  if (found?.rows !== expected) throw new Error(`${found?.rows ?? 0} rows landed of ${expected}: ${stderr}`);
}

/** Seconds from one end to the next, of the first tenth of the runs and of the last. */
async function pacesOf(
  pipeline: TestPipeline,
  source: string,
  intervals: number,
): Promise<{ first: number; last: number }> {
  const ends: number[] = [];
  const query = `TaskQueue = '${pipeline.name}' AND ExecutionStatus = 'Completed'`;
  for await (const { workflowId, closeTime } of pipeline.client.workflow.list({ query }))
    if (workflowId.startsWith(`ingest-${source}-`) && closeTime !== undefined) ends.push(closeTime.getTime());
  if (ends.length !== intervals) throw new Error(`${ends.length} runs of ${intervals} ended well`);
  ends.sort((one, other) => one - other);
  const tenth = Math.floor(intervals / 10);
  const pace = (from: number, to: number): number =>
    ((ends[to] ?? 0) - (ends[from] ?? 0)) / (to - from) / 1000;
  return { first: pace(0, tenth), last: pace(intervals - 1 - tenth, intervals - 1) };
}
