import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { lastLines } from '../../services/command.ts';
import type { Readers } from './install.ts';

/** A file system's address as Hadoop's clients name it. */
export const DEFAULT_FS = process.env['PIPELINE_TEST_DEFAULT_FS'] ?? 'hdfs://localhost:8020';

const Answer = z.union([z.strictObject({ answer: z.unknown() }), z.strictObject({ error: z.string() })]);

/** A program in Python that reads tables: it is asked by a line of JSON and answers by one (answering.py). */
export class PythonReader {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #folder: string;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, folder: string, answers: AsyncIterator<string>) {
    this.#process = child;
    this.#folder = folder;
    this.#answers = answers;
  }

  /** Starts a program; it reads HDFS as the superuser, and leaves files in a folder of its own alone. */
  static async start(
    { python, jars }: Readers,
    script: 'spark_reader.py' | 'deltars_reader.py',
  ): Promise<PythonReader> {
    const folder = await mkdtemp(join(tmpdir(), 'interop-'));
    const child = spawn(python, ['-B', join(import.meta.dirname, script), jars, folder], {
      cwd: folder,
      env: { ...process.env, HADOOP_USER_NAME: 'hdfs', PYSPARK_PYTHON: python },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A program that has exited cannot be asked; the end of its output is the sign.
    child.stdin.on('error', () => undefined);
    child.stderr.pipe(createWriteStream(join(folder, 'stderr')));
    return new PythonReader(child, folder, createInterface({ input: child.stdout })[Symbol.asyncIterator]());
  }

  /** Asks one question at a time. */
  async ask<T>(shape: z.ZodType<T>, question: string, asked: Readonly<Record<string, unknown>>): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify({ question, arguments: asked })}\n`);
    const line = await this.#answers.next();
    if (line.done === true)
      assert.fail(`the program ended: ${await lastLines(join(this.#folder, 'stderr'), 30)}`);
    const answer = Answer.parse(JSON.parse(line.value));
    if ('error' in answer) assert.fail(`${question}: ${answer.error}`);
    return shape.parse(answer.answer);
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.stdin.end();
    if (this.#process.exitCode === null && this.#process.signalCode === null) await exited;
    await rm(this.#folder, { recursive: true });
  }
}
