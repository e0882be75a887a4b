import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach } from 'node:test';
import { openSource, type SourceContent, type SourceRead } from '../../steps/source/source-content.ts';
import { PipelineError } from '../../model/errors.ts';
import { sourceWith } from '../../model/settings.ts';
import { ScriptedServer } from './scripted-server.ts';

const SPOOL = 'content.raw';

/** Two contents of the same length. */
export const OLD = 'o'.repeat(1000);
export const NEW = 'n'.repeat(1000);
/** Bytes of the first response that arrive. */
export const CUT = 400;
export const REST = `bytes ${CUT}-999/1000`;

export const LONG_AGO = 'Mon, 05 Jan 2026 08:00:00 GMT';
export const NOON = 'Mon, 05 Jan 2026 12:00:00 GMT';

export const STRONG = { etag: '"a"', 'content-length': 1000 };
export const DATED = { 'last-modified': LONG_AGO, date: NOON, 'content-length': 1000 };

/** Downloads of one source from a scripted server; each can resume from the spool of the previous one. */
export class TestDownloads {
  readonly server: ScriptedServer;
  #folder = '';

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  /** Makes downloads for all tests of a file; each test starts with an empty spool. */
  static ofFile(): TestDownloads {
    const downloads = new TestDownloads(new ScriptedServer());
    before(async () => {
      await downloads.server.listen();
      downloads.#folder = await mkdtemp(join(tmpdir(), 'downloads-'));
    });
    beforeEach(() => downloads.forget());
    after(async () => {
      await downloads.server.close();
      await rm(downloads.#folder, { recursive: true });
    });
    return downloads;
  }

  /** The file that keeps the bytes received. */
  get spool(): string {
    return join(this.#folder, SPOOL);
  }

  get #read(): SourceRead {
    return {
      request: { source: 'test' },
      source: sourceWith({ topic: 'test', url: `${this.server.url}/attempts` }),
      spool: this.spool,
      run: {
        execution: { workflowId: 'test', runId: 'test' },
        attempt: 1,
        signal: new AbortController().signal,
        seconds: () => 0,
      },
    };
  }

  open(): Promise<SourceContent> {
    return openSource(this.#read);
  }

  /** Fetches as the activity does: retries transient errors, up to a number of attempts. */
  async fetchAll(tries = 5): Promise<string> {
    for (let left = tries; ; left -= 1) {
      try {
        return await text((await this.open()).bytes);
      } catch (error) {
        if (!(error instanceof PipelineError && error.canRetry) || left === 1) throw error;
      }
    }
  }

  /** The Range and If-Range of each request. */
  ranges(): (readonly [string | undefined, unknown])[] {
    return this.server.requests.map(({ headers }) => [headers.range, headers['if-range']] as const);
  }

  /** Removes the spool. */
  async forget(): Promise<void> {
    await rm(this.spool, { force: true });
  }
}
