import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { PassThrough, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import { PipelineError } from '../model/errors.ts';
import { generateFeed } from './feed.ts';
import { DEFAULT_SINCE_MS, GENERATOR_VERSION } from './generator.ts';
import type { AttemptsQuery } from './query.ts';

/** One representation of the attempts: its headers, and how to write it. */
export interface ServedContent {
  /** A strong entity tag, quotes included, known before the content is generated. */
  readonly etag: string;
  readonly type: string;
  /** Whether the bytes have Content-Encoding gzip. */
  readonly encoded: boolean;
  /** Writes all of it and ends the stream, unless the signal aborts it. */
  write(to: Writable, signal: AbortSignal): Promise<void>;
}

/** Source of a platform's attempts. */
export interface Origin {
  /** @param revision Number of changes of the content: each revision has other bytes and another tag. */
  content(query: AttemptsQuery, revision: number): Promise<ServedContent>;
}

const NDJSON = 'application/x-ndjson';

/** Speed before size: the client is on the same machine. */
const gzip = () => createGzip({ level: constants.Z_BEST_SPEED });

/** Returns the tag of a content by its parameters. Another version of zlib may compress to other bytes. */
function tagOf(parts: Readonly<Record<string, unknown>>, zipped: boolean): string {
  const said = JSON.stringify({ ...parts, zlib: zipped ? process.versions.zlib : undefined });
  return `"${createHash('sha256').update(said).digest('hex').slice(0, 32)}"`;
}

/** Generated attempts, by the request's own parameters. */
export const generatorOrigin: Origin = {
  content(query, revision) {
    const { gzip: file, encoded, format, compact, seed, count, fromMs, toMs } = query;
    const zipped = file || encoded;
    const sinceMs = query.sinceMs ?? DEFAULT_SINCE_MS;
    const parts = {
      GENERATOR_VERSION,
      revision,
      file,
      encoded,
      format,
      compact,
      seed,
      count,
      fromMs,
      toMs,
      sinceMs,
    };
    return Promise.resolve({
      etag: tagOf(parts, zipped),
      type: file ? 'application/gzip' : format === 'ndjson' ? NDJSON : 'application/json',
      encoded,
      async write(to, signal) {
        const pieces = Readable.from(generateFeed(feedOptions(query, revision)), { objectMode: false });
        await pipeline([pieces, ...(zipped ? [gzip()] : []), to], { signal });
      },
    });
  },
};

/** Returns the generator's options for a query. Another revision changes every attempt, as another seed does. */
export function feedOptions(query: AttemptsQuery, revision: number): Parameters<typeof generateFeed>[0] {
  const { format, compact, seed, count, fromMs, toMs, sinceMs } = query;
  return {
    format,
    compact,
    seed: (seed + revision) % Number.MAX_SAFE_INTEGER,
    count,
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

/** State of a file, with the times and sizes that tell whether it has changed. */
export interface FileFacts {
  readonly mtimeMs: number;
  readonly size: number;
  readonly sha256: string;
  readonly zipped: boolean;
}

/** Attempts from a file, plain or gzip; served as they are, or decoded or encoded as requested. */
export class FileOrigin implements Origin {
  readonly #path: string;
  #facts: FileFacts | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws PipelineError SETTINGS_INVALID when the file can't be read. */
  async content({ gzip: file, encoded }: AttemptsQuery, revision: number): Promise<ServedContent> {
    const { sha256, zipped: already } = await this.facts();
    const zipped = file || encoded;
    const plainType = /\.(ndjson|jsonl)(\.gz)?$/.test(this.#path) ? NDJSON : 'application/json';
    const source = () => createReadStream(this.#path);
    return {
      etag: tagOf({ sha256, revision, file, encoded }, zipped),
      type: file ? 'application/gzip' : plainType,
      encoded,
      async write(to, signal) {
        if (already === zipped && revision === 0) await pipeline(source(), to, { signal });
        else {
          const plain = already ? [source(), createGunzip()] : [source()];
          await pipeline([...plain, shifted(revision), ...(zipped ? [gzip()] : []), to], { signal });
        }
      },
    };
  }

  /**
   * Returns the state of the file; reads it again when it has been replaced.
   *
   * @throws PipelineError SETTINGS_INVALID when the file can't be read.
   */
  async facts(): Promise<FileFacts> {
    try {
      const { mtimeMs, size } = await stat(this.#path);
      if (this.#facts?.mtimeMs !== mtimeMs || this.#facts.size !== size) {
        const [sha256, zipped] = [await sha256Of(this.#path), await isGzip(this.#path)];
        this.#facts = { mtimeMs, size, sha256, zipped };
      }
      return this.#facts;
    } catch (cause) {
      throw new PipelineError('SETTINGS_INVALID', `The platform's file ${this.#path} can't be read.`, {
        cause,
      });
    }
  }
}

/** Shifts every byte of a JSON text by a line break per revision. */
function shifted(revision: number): PassThrough {
  const through = new PassThrough();
  if (revision > 0) through.write('\n'.repeat(revision));
  return through;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await file.close();
  }
}
