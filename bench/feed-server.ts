import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endWithThisProcess } from '../services/lifetime.ts';

/** A customer's HTTP server of one file, in a process of its own, so that its load counts for neither side. */
export class FeedServer {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #release: () => void;

  private constructor(url: string, child: ChildProcess, release: () => void) {
    this.url = url;
    this.#process = child;
    this.#release = release;
  }

  static async start(file: string): Promise<FeedServer> {
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'serve.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const release = endWithThisProcess(() => child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8');
    const [line] = (await once(child.stdout, 'data')) as [string];
    return new FeedServer(line.trim(), child, release);
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
    this.#release();
  }
}
