import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openSource, type SourceContent, type SourceRead } from '../activities/source-bytes.ts';
import { PipelineError } from '../model/errors.ts';
import { sourceWith } from '../model/settings.ts';
import { ScriptedServer } from './scripted-server.ts';

const SPOOL = 'content.raw';

/** Two contents of the same length. */
export const OLD = 'o'.repeat(1000);
export const NEW = 'n'.repeat(1000);
/** How many bytes of the first answer arrive. */
export const CUT = 400;
export const REST = `bytes ${CUT}-999/1000`;

export const LONG_AGO = 'Mon, 05 Jan 2026 08:00:00 GMT';
export const NOON = 'Mon, 05 Jan 2026 12:00:00 GMT';

export const STRONG = { etag: '"a"', 'content-length': 1000 };
export const DATED = { 'last-modified': LONG_AGO, date: NOON, 'content-length': 1000 };

/** Downloads of one source from a scripted server, each of which can go on with what the one before kept. */
export class TestDownloads {
  readonly server: ScriptedServer;
  /** The file that keeps what was received. */
  readonly spool: string;
  readonly #folder: string;
  readonly #read: SourceRead;

  private constructor(server: ScriptedServer, folder: string) {
    this.server = server;
    this.spool = join(folder, SPOOL);
    this.#folder = folder;
    this.#read = {
      request: { source: 'test' },
      source: sourceWith({ topic: 'test', url: `${server.url}/attempts` }),
      spool: this.spool,
      run: {
        execution: { workflowId: 'test', runId: 'test' },
        attempt: 1,
        signal: new AbortController().signal,
        seconds: () => 0,
      },
    };
  }

  static async start(): Promise<TestDownloads> {
    const folder = await mkdtemp(join(tmpdir(), 'downloads-'));
    return new TestDownloads(await ScriptedServer.start(), folder);
  }

  open(): Promise<SourceContent> {
    return openSource(this.#read);
  }

  /** Fetches as the activity does: after a transient error again, up to a number of tries. */
  async fetchAll(tries = 5): Promise<string> {
    for (let left = tries; ; left -= 1) {
      try {
        return await text((await this.open()).bytes);
      } catch (error) {
        if (!(error instanceof PipelineError && error.canRetry) || left === 1) throw error;
      }
    }
  }

  /** The Range of each request, and its If-Range. */
  ranges(): (readonly [string | undefined, unknown])[] {
    return this.server.requests.map(({ headers }) => [headers.range, headers['if-range']] as const);
  }

  /** Removes what was kept. */
  async forget(): Promise<void> {
    await rm(this.spool, { force: true });
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.#folder, { recursive: true });
  }
}
