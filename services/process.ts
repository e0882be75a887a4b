import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { PRIVATE_FILE_MODE, withPrivateFiles } from '../lib/private-files.ts';
import { messageOf, PipelineError } from '../model/errors.ts';
import { lastLines, type Command } from './command.ts';
import { isMissing, type StackFolder } from './folder.ts';
import {
  findProcess,
  findProcessByPid,
  sendSignal,
  type LivingProcess,
  type ProcessIdentity,
} from './identity.ts';

const READY_POLL_MS = 100;
const SIGNAL_POLL_MS = 10;
/** A clean stop flushes memory to disk: usually under two seconds, longer on a loaded machine. */
const STOP_MS = 30_000;
/** SIGKILL, SIGSTOP and SIGCONT act at once, unless the process waits for the disk. */
const SIGNAL_MS = 5_000;
const TAIL_LINES = 20;

const identitySchema = z.strictObject({ pid: z.int().positive(), started: z.string() });

/**
 * One server as a process of its own, which outlives its parent. It has a pid file, and a log file that each start
 * replaces (the previous one is kept as `.1`).
 */
export class ServerProcess {
  readonly name: string;
  readonly log: string;
  readonly #pidFile: string;

  constructor(name: string, folder: StackFolder) {
    this.name = name;
    this.log = folder.log(name);
    this.#pidFile = folder.pidFile(name);
  }

  /** Returns the process of an earlier start; undefined when it is gone, even if its pid file is left. */
  current(): LivingProcess | undefined {
    const identity = this.#read();
    return identity === undefined ? undefined : findProcess(identity);
  }

  /**
   * Starts the process and returns at once; it may not be ready yet.
   *
   * @throws PipelineError SERVICE_NOT_READY when the program cannot be run.
   */
  async start(command: Command): Promise<void> {
    this.#rotateLog();
    const output = openSync(this.log, 'a', PRIVATE_FILE_MODE);
    try {
      const child = withPrivateFiles(() =>
        spawn(command.program, command.args, {
          // A session of its own, or Ctrl-C in the terminal would end it together with the command line.
          detached: true,
          cwd: dirname(this.log), // the folder of Java's crash reports
          env: { ...process.env, ...command.env },
          stdio: ['ignore', output, output],
        }),
      );
      if (child.pid !== undefined) this.#write(child.pid);
      await once(child, 'spawn');
      child.unref();
    } catch (cause) {
      throw new PipelineError('SERVICE_NOT_READY', `${this.name}: ${command.program} could not be run.`, {
        cause,
      });
    } finally {
      closeSync(output);
    }
  }

  /**
   * Polls until the server is ready.
   *
   * @param check Rejects with the reason that it is not ready; must have a timeout of its own.
   * @param given Ends the wait when aborted, and throws its reason.
   * @throws PipelineError SERVICE_NOT_READY, with the log's last lines, when it dies or is not ready in time.
   */
  async waitUntilReady(check: () => Promise<void>, timeoutMs: number, given?: AbortSignal): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const missing = await check().then(() => undefined, messageOf);
      given?.throwIfAborted();
      if (this.current() === undefined) throw await this.#failure('ended before it was ready');
      if (missing === undefined) return;
      if (performance.now() > deadline) {
        throw await this.#failure(`is not ready after ${Math.round(timeoutMs / 1000)} s (${missing})`);
      }
      await delay(READY_POLL_MS);
    }
  }

  /**
   * Ends the process and returns when it is gone: sends SIGTERM, then SIGKILL after 30 s.
   *
   * @throws PipelineError SERVICE_NOT_STOPPED when it survives SIGKILL.
   */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    this.signal('SIGCONT'); // a paused process handles SIGTERM only after SIGCONT
    if (!(await this.#becomes(isGone, STOP_MS))) await this.kill();
    rmSync(this.#pidFile, { force: true });
  }

  /** Kills the process as a crash does (SIGKILL), and returns when it is gone. */
  async kill(): Promise<void> {
    await this.#change('SIGKILL', isGone);
  }

  /** Pauses the process (SIGSTOP), and returns when it is stopped. */
  async pause(): Promise<void> {
    await this.#change('SIGSTOP', (now) => now?.paused !== false);
  }

  /** Resumes the process (SIGCONT). */
  async resume(): Promise<void> {
    await this.#change('SIGCONT', (now) => now?.paused !== true);
  }

  /** Sends a signal, if the process is running. */
  signal(name: NodeJS.Signals): void {
    const identity = this.#read();
    if (identity !== undefined) sendSignal(identity, name);
  }

  async #change(name: NodeJS.Signals, done: (now: LivingProcess | undefined) => boolean): Promise<void> {
    this.signal(name);
    if (await this.#becomes(done, SIGNAL_MS)) return;
    const pid = this.current()?.pid ?? 'unknown';
    throw new PipelineError('SERVICE_NOT_STOPPED', `${this.name} (pid ${pid}) does not act on ${name}.`);
  }

  async #becomes(done: (now: LivingProcess | undefined) => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!done(this.current())) {
      if (performance.now() > deadline) return false;
      await delay(SIGNAL_POLL_MS);
    }
    return true;
  }

  async #failure(what: string): Promise<PipelineError> {
    const tail = await lastLines(this.log, TAIL_LINES);
    return new PipelineError(
      'SERVICE_NOT_READY',
      `${this.name} ${what}. Its log ends:\n${tail}\n(log: ${this.log})`,
    );
  }

  #rotateLog(): void {
    try {
      renameSync(this.log, `${this.log}.1`);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  #read(): ProcessIdentity | undefined {
    try {
      return identitySchema.parse(JSON.parse(readFileSync(this.#pidFile, 'utf8')));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #write(pid: number): void {
    const started = findProcessByPid(pid)?.started ?? 'gone at once';
    writeFileSync(`${this.#pidFile}.new`, JSON.stringify({ pid, started }), { mode: PRIVATE_FILE_MODE });
    renameSync(`${this.#pidFile}.new`, this.#pidFile);
  }
}

function isGone(now: LivingProcess | undefined): boolean {
  return now === undefined;
}
