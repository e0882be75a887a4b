import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { logFolder } from '../../adapters/delta/log-paths.ts';
import { partitionKeyOf } from '../../adapters/delta/partition-key.ts';
import { TABLES } from '../../tables/index.ts';
import { installReaders, interopSkipReason, type Readers } from '../../test/interop/install.ts';
import { PythonReader } from '../../test/interop/program.ts';
import type { StepRun } from '../../test/support/step-runs.ts';
import type { Context } from '../context.ts';
import { median } from '../figures.ts';
import { DAY_MS, type Month } from './month.ts';

/** The state of the warehouse at the end of a day. Durations are in milliseconds. */
export interface DayFigures {
  readonly day: number;
  /** Files and folders of the warehouse in HDFS. */
  readonly names: number;
  /** Of each table's log folder, by table. */
  readonly logNames: Readonly<Record<string, number>>;
  /** The largest number of live files that a closed day of a table has. */
  readonly filesOfClosedDay: number;
  /** Medians over the day's runs. */
  readonly land: number;
  readonly record: number;
  readonly plan: number;
  readonly run: number;
  /** Of a new process without a cache, for the attempts of the day; a median. */
  readonly query: number;
  /** Of `verify --since last`, after a proof at the end of the previous day; of the first day, of `verify`. */
  readonly verify: number;
  /** Of a new Spark, counting all attempts by day; undefined without Spark. */
  readonly spark: number | undefined;
}

const QUERIES = 3;

/** Measures the ends of days. */
export class DayMeter {
  readonly #context: Context;
  readonly #month: Month;
  readonly #readers: Readers | undefined;

  private constructor(context: Context, month: Month, readers: Readers | undefined) {
    this.#context = context;
    this.#month = month;
    this.#readers = readers;
  }

  static async open(context: Context, month: Month): Promise<DayMeter> {
    const reason = interopSkipReason();
    if (reason !== false) context.say(`  Spark is left out: ${reason}`);
    return new DayMeter(context, month, reason === false ? await installReaders() : undefined);
  }

  /** Verifies what landed since the last proof, so that `verify` of the next day continues it; in milliseconds. */
  async verify(day: number): Promise<number> {
    return this.#command('verify', ...(day === 1 ? [] : ['--since', 'last']));
  }

  /** @param runs Those of the day. */
  async measure(day: number, runs: readonly StepRun[]): Promise<DayFigures> {
    const ms = (of: (run: StepRun) => number): number => median(runs.map(of));
    return {
      day,
      verify: await this.verify(day),
      query: await this.#query(),
      spark: await this.#spark(),
      names: await this.#countNames(),
      logNames: await this.#countLogNames(),
      filesOfClosedDay: await this.#filesOfClosedDay(),
      land: ms((run) => run.ms.land),
      record: ms((run) => run.ms.record),
      plan: ms((run) => run.ms.plan),
      run: ms((run) => Object.values(run.ms).reduce((sum, one) => sum + one, 0)),
    };
  }

  async #query(): Promise<number> {
    const yesterday = new Date(this.#month.nowMs - DAY_MS).toISOString().slice(0, 10);
    const sql = `SELECT exam_name, count(DISTINCT user_exam_id) FROM attempts WHERE ingested_on = DATE '${yesterday}' GROUP BY 1`;
    const taken: number[] = [];
    for (let query = 0; query < QUERIES; query += 1) {
      await rm(join(this.#month.pipeline.folder, 'cache'), { recursive: true, force: true });
      taken.push(await this.#command('query', sql));
    }
    return median(taken);
  }

  /** Runs a command of the CLI; returns its duration. */
  async #command(...words: string[]): Promise<number> {
    const startedAt = performance.now();
    const { code, stdout, stderr } = await this.#month.pipeline.command(...words);
    if (code !== 0) throw new Error(`pipeline ${words[0] ?? ''} ended with ${code}:\n${stdout}\n${stderr}`);
    return performance.now() - startedAt;
  }

  async #spark(): Promise<number | undefined> {
    if (this.#readers === undefined) return undefined;
    const spark = await PythonReader.start(this.#readers, 'spark_reader.py');
    try {
      const count = async (table: string): Promise<unknown> => {
        const url = `${this.#context.stack.hdfs.defaultFs}${this.#month.warehouse.path}/${table}`;
        return spark.ask(z.unknown(), 'table', { url });
      };
      // Of another table, so that the code is loaded and the log is not.
      await count('questions');
      const startedAt = performance.now();
      await count('attempts');
      return performance.now() - startedAt;
    } finally {
      await spark.close();
    }
  }

  async #countNames(): Promise<number> {
    const { nameNodeHttp } = this.#context.stack.hdfs;
    const url = `${nameNodeHttp}/webhdfs/v1${this.#month.warehouse.path}?op=GETCONTENTSUMMARY&user.name=hdfs`;
    const answer = ContentSummary.parse(await (await fetch(url)).json());
    return answer.ContentSummary.fileCount + answer.ContentSummary.directoryCount;
  }

  async #countLogNames(): Promise<Record<string, number>> {
    const { warehouse } = this.#month;
    const counts: Record<string, number> = {};
    for (const { name } of TABLES) {
      if ((await warehouse.table(name).head()) === undefined) continue;
      counts[name] = (await warehouse.options.hdfs.list(logFolder(`${warehouse.path}/${name}`))).length;
    }
    return counts;
  }

  async #filesOfClosedDay(): Promise<number> {
    let most = 0;
    for (const { name } of TABLES) {
      const snapshot = await this.#month.warehouse.table(name).snapshot();
      const counts = new Map<string, number>();
      for (const file of snapshot?.files.values() ?? []) {
        const key = partitionKeyOf(file);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      most = Math.max(most, ...counts.values());
    }
    return most;
  }
}

const ContentSummary = z.object({
  ContentSummary: z.object({ fileCount: z.int(), directoryCount: z.int() }),
});
