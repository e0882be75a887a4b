import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Stack } from '../../services/stack.ts';
import { installPomJars, installPython } from '../../test/interop/install.ts';
import { runMeasured, type Measured } from '../measure.ts';

const Printed = z.object({
  start_s: z.number(),
  job_s: z.number(),
  rows: z.record(z.string(), z.number()),
});

/** A run of the peer. */
export interface SparkRun {
  /** Seconds of the job alone: from the start of the session to the last table. */
  readonly job: Measured;
  /** Seconds of the whole program, with its start and the final count of rows. */
  readonly whole: Measured;
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Apache Spark with `spark_job.py`, the same work in the seed project's engine. */
export class Spark {
  readonly #stack: Stack;
  readonly #folder: string;
  readonly #python: string;
  readonly #jars: string;

  private constructor(stack: Stack, folder: string, python: string, jars: string) {
    this.#stack = stack;
    this.#folder = join(folder, 'spark');
    this.#python = python;
    this.#jars = jars;
  }

  /** Downloads Spark and its jars the first time. */
  static async install(stack: Stack, folder: string): Promise<Spark> {
    const pom = join(import.meta.dirname, 'pom.xml');
    const [python, jars] = await Promise.all([installPython(), installPomJars('peers', pom)]);
    const paths = (await readdir(jars)).map((name) => join(jars, name));
    return new Spark(stack, folder, python, paths.join(','));
  }

  /** Folder of its tables. */
  get output(): string {
    return `${this.#stack.hdfs.defaultFs}/bench/spark`;
  }

  /** Reads a whole topic and overwrites the three tables. */
  async run(topic: string): Promise<SparkRun> {
    const broker = this.#stack.kafka.brokers.join(',');
    const script = join(import.meta.dirname, 'spark_job.py');
    const words = ['--brokers', broker, '--topic', topic, '--out', this.output];
    const { measured, stdout, beganMs, meter } = await runMeasured(this.#stack, {
      program: this.#python,
      args: ['-B', script, '--jars', this.#jars, ...words],
      env: { HADOOP_USER_NAME: 'hdfs', PYSPARK_PYTHON: this.#python, SPARK_LOCAL_IP: '127.0.0.1' },
      folder: this.#folder,
    });
    const printed = Printed.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
    const readyMs = beganMs + printed.start_s * 1000;
    const cpuSeconds = meter.cpuBetween(readyMs, readyMs + printed.job_s * 1000);
    const job = { ...measured, seconds: printed.job_s, cpuSeconds };
    return { job, whole: measured, rows: printed.rows };
  }
}

/** Requires that both sides have the same number of rows in each of the peer's tables. */
export function requireSameRows(
  ours: Readonly<Record<string, number>>,
  peer: Readonly<Record<string, number>>,
): void {
  for (const [table, rows] of Object.entries(peer))
    if (ours[table] !== rows)
      throw new Error(`${table} has ${ours[table] ?? 'no'} rows of ours, and ${rows} of the peer’s`);
}
