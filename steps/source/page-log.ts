import { copyFile, link, open, readFile, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { mapDiskFull } from '../../adapters/staging/staging.ts';
import { jsonText } from '../../lib/json-schema.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import { chunkFile, type WrittenChunk } from './chunk-writer.ts';
import type { PageFacts } from './page-sequence.ts';

const LOG = 'pages.log';

const Count = z.int().min(0);
const ChunkFacts = z.object({ records: Count, bytes: Count, largestBytes: Count });
const PositionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('own'), cursor: z.union([z.string(), z.number()]).optional() }),
  z.object({
    kind: z.literal('link'),
    url: z.url(),
    network: z.enum(['public', 'private', 'loopback', 'link-local']),
  }),
]);
const Line = jsonText.pipe(
  z.object({
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    records: Count,
    bytes: Count,
    hasGood: z.boolean(),
    total: Count.nullable(),
    next: PositionSchema.nullable(),
    ended: z.array(ChunkFacts),
    current: ChunkFacts.nullable(),
  }),
);

/** A line of the log: a page, the chunks that ended in it, and the one that goes on after it. */
export interface LoggedPage extends PageFacts {
  readonly ended: readonly WrittenChunk[];
  readonly current: WrittenChunk | null;
}

/** The pages that an attempt read, one line each, beside the chunks of their records. */
export class PageLog {
  /** Of the chunks and the log; relative to the run's staging folder. */
  readonly folder: string;
  /** The pages of earlier attempts. */
  readonly pages: readonly LoggedPage[];
  readonly #file: FileHandle;

  /** The log's path, relative to the run's staging folder. */
  get path(): string {
    return `${this.folder}/${LOG}`;
  }

  private constructor(folder: string, pages: readonly LoggedPage[], file: FileHandle) {
    this.folder = folder;
    this.pages = pages;
    this.#file = file;
  }

  /**
   * Opens the log in a new folder, with the pages and chunks of an earlier attempt that requested the same.
   * @param identity A hash of what decides the pages.
   * @throws {PipelineError} STAGING_FULL
   */
  static async open(own: RunStaging, path: string, identity: string): Promise<PageLog> {
    let pages: readonly LoggedPage[] = [];
    const folder = await own.makeFreshFolder(path, async (earlier, fresh) => {
      for (const from of earlier) {
        const found = await readLog(join(from, LOG), identity);
        if (found.length > pages.length && (await hasChunks(from, found, fresh))) pages = found;
      }
      // Last: a folder without a log is not taken over.
      await mapDiskFull(
        LOG,
        writeFile(join(fresh, LOG), textOf(identity, pages), { mode: PRIVATE_FILE_MODE }),
      );
    });
    const file = await open(join(own.folder, folder, LOG), 'a');
    return new PageLog(folder, pages, file);
  }

  /**
   * Adds a page whose records are in the chunk files.
   * @throws {PipelineError} STAGING_FULL
   */
  async append(page: LoggedPage): Promise<void> {
    await mapDiskFull(LOG, this.#file.appendFile(`${JSON.stringify(page)}\n`));
  }

  /** Closes the log's file. */
  async close(): Promise<void> {
    await this.#file.close();
  }
}

function textOf(identity: string, pages: readonly LoggedPage[]): string {
  return [identity, ...pages.map((page) => JSON.stringify(page)), ''].join('\n');
}

/** Reads the whole lines of a log up to the first that is not valid; none if it is missing or of other requests. */
async function readLog(path: string, identity: string): Promise<LoggedPage[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const [head, ...lines] = text.split('\n').slice(0, -1);
  const pages: LoggedPage[] = [];
  for (const line of head === identity ? lines : []) {
    const page = Line.safeParse(line);
    if (!page.success) break;
    pages.push(page.data);
  }
  return pages;
}

/** Copies the chunks of an attempt to another folder; returns false if the host lost bytes of them. */
async function hasChunks(from: string, pages: readonly LoggedPage[], to: string): Promise<boolean> {
  const ended = pages.flatMap((page) => page.ended);
  const current = pages.at(-1)?.current ?? null;
  for (const [index, { bytes }] of ended.entries()) {
    const file = join(from, chunkFile(index));
    if ((await sizeOf(file)) !== bytes) return false;
    await link(file, join(to, chunkFile(index)));
  }
  if (current === null) return true;
  // Copied, since an attempt that timed out may still write to it.
  const [file, copy] = [join(from, chunkFile(ended.length)), join(to, chunkFile(ended.length))];
  if ((await sizeOf(file)) < current.bytes) return false;
  await mapDiskFull(copy, copyFile(file, copy));
  await truncate(copy, current.bytes);
  return true;
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return -1;
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
