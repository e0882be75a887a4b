import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/processes.ts';
import { eventually } from './eventually.ts';

interface WorkerOptions {
  readonly settingsFile: string;
  /** Folder of its log. */
  readonly folder: string;
  readonly host: string;
  readonly env: Record<string, string>;
  /** Arguments of Node, before the program's. */
  readonly nodeArgs: readonly string[];
}

/** A worker process of a test. */
export class TestWorker {
  readonly log: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, log: string) {
    this.#process = child;
    this.log = log;
    this.#exited = once(child, 'exit');
  }

  static async start({ settingsFile, folder, host, env, nodeArgs }: WorkerOptions): Promise<TestWorker> {
    const log = join(folder, `worker-${host}-${Date.now()}.log`);
    const args = [...nodeArgs, join(ROOT, 'bin/worker.js')];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, PIPELINE_CONFIG: settingsFile, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.pipe(createWriteStream(log));
    const worker = new TestWorker(child, log);
    await eventually(
      `the worker accepts tasks (${log})`,
      () => readLog(log).includes('the worker accepts tasks'),
      60_000,
    );
    return worker;
  }

  /** Its process id. */
  get pid(): number {
    if (this.#process.pid === undefined) throw new TypeError('the worker was not started');
    return this.#process.pid;
  }

  /** Returns its peak memory, in bytes. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
  }

  /** Whether its process has exited. */
  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Sends it a signal, such as SIGSTOP, which pauses it until SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Kills it (SIGKILL). */
  async kill(): Promise<void> {
    if (this.hasEnded) return;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Drains it by SIGTERM, as a deployment does; returns its exit code. */
  async drain(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    await this.#exited;
    return this.#process.exitCode;
  }
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
