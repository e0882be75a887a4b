import { logFolder } from '../../adapters/delta/log-paths.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { BATCH_TABLES, TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { TestPipeline } from '../../test/support/harness.ts';
import { setModified } from '../../test/support/hdfs-times.ts';
import { StepRuns, type StepRun } from '../../test/support/step-runs.ts';
import { maintainTable } from '../../test/support/upkeep-steps.ts';
import type { Context } from '../context.ts';
import { ServersMeter } from '../measure.ts';

const SOURCE = 'feed';
/** Attempts of a run. */
export const ATTEMPTS_OF_A_RUN = 3;
export const RUNS_OF_A_DAY = 1440;
const MINUTES_OF_AN_HOUR = 60;
const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
const MAX_CONCURRENT_REQUESTS = 8;
/** Matches the names of entries and checkpoints, which HDFS lists by their version. */
const VERSION = /^\d{20}\./;

/** The work of upkeep and of landings since the start. */
export interface Work {
  /** Processor seconds of this process, of Kafka, the NameNode and the DataNode. */
  cpuSeconds: number;
  /** Bytes of data files written to the tables of a batch. */
  bytes: number;
  seconds: number;
}

/** A warehouse into which a source lands a few attempts each simulated minute, with upkeep each simulated hour. */
export class Month {
  readonly pipeline: TestPipeline;
  /** The number of runs so far. */
  runs = 0;
  /** Bytes of the attempts as JSON. */
  bytes = 0;
  readonly landing: Work = { cpuSeconds: 0, bytes: 0, seconds: 0 };
  readonly upkeep: Work = { cpuSeconds: 0, bytes: 0, seconds: 0 };
  readonly #context: Context;
  readonly #steps: StepRuns;
  readonly #clock: { nowMs: number };
  /** The last name in each log whose time is set. */
  readonly #timed = new Map<Table, string>();

  private constructor(context: Context, pipeline: TestPipeline, steps: StepRuns, clock: { nowMs: number }) {
    this.#context = context;
    this.pipeline = pipeline;
    this.#steps = steps;
    this.#clock = clock;
  }

  /**
   * The simulated time starts at the next midnight. So it is always later than the machine's, and data files, whose times
   * HDFS sets, never look younger than they are.
   */
  static async open(context: Context): Promise<Month> {
    const pipeline = await TestPipeline.create({ [SOURCE]: { url: 'file:feed' } });
    const clock = { nowMs: (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS };
    return new Month(context, pipeline, await StepRuns.open(pipeline, SOURCE, () => clock.nowMs), clock);
  }

  get warehouse() {
    return this.#steps.warehouse;
  }

  /** The simulated time, in milliseconds since 1970. */
  get nowMs(): number {
    return this.#clock.nowMs;
  }

  /** Lands a day's runs, with upkeep at each hour; the last one is at midnight, when the day is over. */
  async day(): Promise<StepRun[]> {
    const runs: StepRun[] = [];
    for (let minute = 1; minute <= RUNS_OF_A_DAY; minute += 1) {
      runs.push(await this.#measured(this.landing, () => this.#land()));
      this.#clock.nowMs += MINUTE_MS;
      if (minute % MINUTES_OF_AN_HOUR !== 0) continue;
      await this.#setLogTimes();
      await this.#measured(this.upkeep, () => this.#maintain());
    }
    return runs;
  }

  async #land(): Promise<StepRun> {
    this.runs += 1;
    const feed = JSON.stringify([...generateAttempts({ seed: this.runs, count: ATTEMPTS_OF_A_RUN })]);
    await this.pipeline.placeFiles({ [SOURCE]: feed });
    this.bytes += feed.length;
    const run = await this.#steps.run();
    this.landing.bytes += run.bytes;
    return run;
  }

  /** Does what a run of `maintain` does. */
  async #maintain(): Promise<void> {
    const { deps, run } = this.#steps.upkeep();
    for (const table of TABLES) {
      const { compacted } = await maintainTable(deps, run, table);
      if (BATCH_TABLES.includes(table)) this.upkeep.bytes += compacted.writtenBytes;
    }
    await this.#steps.cleanUp(run.execution);
  }

  /** Gives the new files of each log the simulated time, by which the log is cleaned: right to the hour. */
  async #setLogTimes(): Promise<void> {
    const { hdfs } = this.warehouse.options;
    for (const table of TABLES) {
      const { path } = this.warehouse.table(table.name);
      if ((await this.warehouse.table(table.name).head()) === undefined) continue;
      const last = this.#timed.get(table);
      const files = await hdfs.list(logFolder(path), last === undefined ? {} : { startAfter: last });
      const versions = files.filter(({ name }) => VERSION.test(name));
      await mapConcurrent(MAX_CONCURRENT_REQUESTS, versions, (file) => setModified(file.path, this.nowMs));
      this.#timed.set(table, versions.at(-1)?.name ?? last ?? '');
    }
  }

  async #measured<T>(work: Work, run: () => Promise<T>): Promise<T> {
    const [servers, cpu, startedAt] = [
      new ServersMeter(this.#context.stack),
      process.cpuUsage(),
      performance.now(),
    ];
    const result = await run();
    const { user, system } = process.cpuUsage(cpu);
    const { kafka, namenode, datanode } = servers.since();
    work.cpuSeconds += (user + system) / 1e6 + kafka + namenode + datanode;
    work.seconds += (performance.now() - startedAt) / 1000;
    return result;
  }

  async close(): Promise<void> {
    await this.pipeline.close();
  }
}
