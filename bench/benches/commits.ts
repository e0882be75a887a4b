import { formatNumber } from '../../model/figures.ts';
import { TestPipeline, type TestWorker } from '../../test/support/harness.ts';
import type { Bench, Context } from '../context.ts';
import { readLineBatches } from '../data.ts';
import { median, type Goal } from '../figures.ts';
import { historyOf, type ActivityTime } from '../history.ts';

/** Attempts per run. */
const BATCH = 5;
const BEFORE = 5;
/** Version of the tables' logs by which they have their first checkpoint. */
const WITH_CHECKPOINT = 25;
const MEASURED = 9;
const NEW_WORKERS = 3;
const REPORT_EVERY = 100;

/** Measures many commits to one table. */
export const commitsBench: Bench = {
  name: 'commits',
  title: 'A thousand commits',
  about: `Runs of ${BATCH} attempts each on one topic, in sequence. Medians of ${MEASURED}: the duration of \`plan\` and \`land\` when the tables' logs have about ten versions, and when they have about a thousand. A new worker reads the whole logs for its first plan: the median of ${NEW_WORKERS}, also with the first checkpoint.`,
  needs: [],
  run: async (context) => {
    const last = context.quick ? 60 : 1000;
    const landing = await Landing.start(context);
    try {
      await landing.runs(BEFORE);
      const early = await landing.stretch();
      await landing.runs(WITH_CHECKPOINT - landing.commits);
      const withCheckpoint = await landing.firstPlan();
      await landing.runs(last - MEASURED - NEW_WORKERS - landing.commits);
      const late = await landing.stretch();
      const attempts = landing.commits * BATCH;
      return {
        attempts,
        bytes: landing.bytes,
        sides: [],
        goals: [
          goalOf('a commit late / early', early.land, late.land),
          goalOf('a plan late / early', early.plan, late.plan),
          goalOf(
            'the first plan of a new worker late / with the first checkpoint',
            withCheckpoint,
            late.firstPlan,
          ),
        ],
        notes: [
          `A commit: ${milliseconds(early.land)} at about version 10, ${milliseconds(late.land)} at version ${formatNumber(landing.commits)}.`,
          `A plan: ${milliseconds(early.plan)}, and ${milliseconds(late.plan)}.`,
          `The first plan of a new worker: ${milliseconds(early.firstPlan)} at about version 10, without a checkpoint; ${milliseconds(withCheckpoint)} at about version ${WITH_CHECKPOINT}, with a checkpoint, for which DuckDB is loaded; ${milliseconds(late.firstPlan)} at version ${formatNumber(landing.commits)}.`,
        ],
      };
    } finally {
      await landing.close();
    }
  },
};

function goalOf(what: string, early: number, late: number): Goal {
  return { what: `commits: ${what}`, value: late / early, unit: 'times', sense: 'at most', bound: 1.5 };
}

function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}

/** Durations of activities, in milliseconds. */
interface Stretch {
  readonly land: number;
  readonly plan: number;
  readonly firstPlan: number;
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
    const { value: lines } = await readLineBatches(path, BATCH).next();
    const pipeline = await TestPipeline.create({ commits: { topic } });
    const worker = await pipeline.startWorker();
    return new Landing(context, pipeline, worker, { topic, lines: lines ?? [] });
  }

  /** Runs `count` runs one after the other, and returns the times of their activities. */
  async runs(count: number): Promise<ActivityTime[]> {
    const activities: ActivityTime[] = [];
    for (let run = 0; run < count; run += 1) activities.push(...(await this.#run()));
    return activities;
  }

  async #run(): Promise<readonly ActivityTime[]> {
    await this.#context.topics.append(this.#topic, this.#lines);
    const handle = await this.#pipeline.start({ source: 'commits' });
    const { batches } = await handle.result();
    if (batches !== 1) throw new Error(`a run landed ${batches} batches instead of one`);
    this.commits += 1;
    this.bytes += this.#lines.reduce((sum, { length }) => sum + length, 0);
    if (this.commits % REPORT_EVERY === 0) this.#context.say(`  ${formatNumber(this.commits)} commits`);
    return (await historyOf(this.#pipeline, handle)).activities;
  }

  /** Measures some new workers, and then some more runs of the last one. */
  async stretch(): Promise<Stretch> {
    const firstPlan = await this.firstPlan();
    const activities = await this.runs(MEASURED);
    return {
      land: median(millisecondsOf(activities, 'land')),
      plan: median(millisecondsOf(activities, 'plan')),
      firstPlan,
    };
  }

  /** Returns the median duration of a new worker's first plan, in milliseconds. */
  async firstPlan(): Promise<number> {
    const firsts: ActivityTime[] = [];
    for (let worker = 0; worker < NEW_WORKERS; worker += 1) {
      await this.#worker.drain();
      this.#worker = await this.#pipeline.startWorker();
      firsts.push(...(await this.runs(1)));
    }
    return median(millisecondsOf(firsts, 'plan'));
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
