import { formatNumber } from '../../model/figures.ts';
import { TestPipeline, type TestWorker } from '../../test/harness.ts';
import type { Bench, Context } from '../context.ts';
import { linesOf } from '../data.ts';
import { median, type Goal } from '../figures.ts';
import { historyOf, type ActivityTime } from '../history.ts';

/** So many records are a batch. */
const BATCH = 5;
const BEFORE = 5;
const MEASURED = 9;
/** What one run brings at most, so that its history stays short. */
const BATCHES_AT_ONCE = 100;

/** Many commits to one table. */
export const commits: Bench = {
  name: 'commits',
  title: 'A thousand commits',
  about: `Runs of ${BATCH} attempts each on one topic, the medians of ${MEASURED}: what \`plan\` and \`land\` take when the tables' logs have about ten versions, and when they have about a thousand. Those between are landed as batches of ${BATCH}.`,
  needs: [],
  run: async (context) => {
    const last = context.quick ? 100 : 1000;
    const landing = await Landing.start(context);
    try {
      await landing.runs(BEFORE);
      const early = await landing.stretch();
      for (
        let left = last - MEASURED - 1 - landing.commits;
        left > 0;
        left = last - MEASURED - 1 - landing.commits
      )
        await landing.runOf(Math.min(left, BATCHES_AT_ONCE));
      const late = await landing.stretch();
      const attempts = landing.commits * BATCH;
      return {
        attempts,
        bytes: landing.bytes,
        sides: [],
        goals: (['land', 'plan', 'coldPlan'] as const).map((what) =>
          goalOf(NAMES[what], early[what], late[what]),
        ),
        notes: (['land', 'plan', 'coldPlan'] as const).map(
          (what) =>
            `${NAMES[what]}: ${early[what].toFixed(0)} ms at about version 10, ${late[what].toFixed(0)} ms at version ${formatNumber(landing.commits)}.`,
        ),
      };
    } finally {
      await landing.close();
    }
  },
};

const NAMES = { land: 'a commit', plan: 'a plan', coldPlan: 'the first plan of a new worker' } as const;

function goalOf(name: string, early: number, late: number): Goal {
  const what = `commits: ${name} late / early`;
  return { what, value: late / early, unit: 'times', sense: 'at most', bound: 1.5 };
}

/** What activities take, in milliseconds. */
interface Stretch {
  readonly land: number;
  readonly plan: number;
  readonly coldPlan: number;
}

/** One source that lands a few records at a time. */
class Landing {
  commits = 0;
  bytes = 0;
  readonly #context: Context;
  readonly #pipeline: TestPipeline;
  readonly #topic: string;
  readonly #lines: readonly Buffer[];
  #worker: TestWorker;

  private constructor(
    context: Context,
    pipeline: TestPipeline,
    worker: TestWorker,
    from: { readonly topic: string; readonly lines: readonly Buffer[] },
  ) {
    this.#context = context;
    this.#pipeline = pipeline;
    this.#worker = worker;
    this.#topic = from.topic;
    this.#lines = from.lines;
  }

  static async start(context: Context): Promise<Landing> {
    const topic = await context.topics.makeNew(1);
    const { path } = await context.data.file(1, 'lines');
    const { value: lines } = await linesOf(path, BATCH * BATCHES_AT_ONCE).next();
    const limits = { batchMessages: BATCH };
    const pipeline = await TestPipeline.create({ commits: { topic } }, { limits });
    const worker = await pipeline.startWorker();
    return new Landing(context, pipeline, worker, { topic, lines: lines ?? [] });
  }

  /** One after the other. */
  async runs(count: number): Promise<ActivityTime[]> {
    const activities: ActivityTime[] = [];
    for (let run = 0; run < count; run += 1) activities.push(...(await this.runOf(1)));
    return activities;
  }

  /** A run of so many batches. */
  async runOf(batches: number): Promise<readonly ActivityTime[]> {
    const lines = this.#lines.slice(0, BATCH * batches);
    await this.#context.topics.append(this.#topic, lines);
    const handle = await this.#pipeline.start({ source: 'commits' });
    const { batches: landed } = await handle.result();
    if (landed !== batches) throw new Error(`a run landed ${landed} batches instead of ${batches}`);
    this.commits += landed;
    this.bytes += lines.reduce((sum, { length }) => sum + length, 0);
    if (batches > 1) this.#context.say(`  ${formatNumber(this.commits)} commits`);
    return (await historyOf(this.#pipeline, handle)).activities;
  }

  /** Measures with a new worker: its first run, then some more. */
  async stretch(): Promise<Stretch> {
    await this.#worker.drain();
    this.#worker = await this.#pipeline.startWorker();
    const first = await this.runs(1);
    const activities = await this.runs(MEASURED);
    return {
      land: median(millisecondsOf(activities, 'land')),
      plan: median(millisecondsOf(activities, 'plan')),
      coldPlan: millisecondsOf(first, 'plan')[0] ?? NaN,
    };
  }

  async close(): Promise<void> {
    await this.#pipeline.close();
    await this.#context.topics.remove(this.#topic);
  }
}

function millisecondsOf(activities: readonly ActivityTime[], name: string): number[] {
  return activities
    .filter(({ activity }) => activity === name)
    .map(({ startedMs, endedMs }) => endedMs - startedMs);
}
