import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';

const READ_BYTES = 64 * 1024;

/** A body in a file, to be read in any parts until it is released. */
export interface SpooledBody {
  readonly size: number;
  /** The bytes [start, end). */
  read(start: number, end: number): AsyncGenerator<Buffer, void, undefined>;
  /** Must be called once when the body is no longer read. */
  release(): void;
}

interface Entry {
  readonly ready: Promise<{ readonly handle: FileHandle; readonly size: number }>;
  /** How many hold the body. */
  uses: number;
}

/**
 * Bodies kept in files, so that any range of one can be served again without making it again. At most a few
 * are kept, the latest used. A file loses its name as soon as it is open: however the process ends, the
 * system frees its space.
 */
export class Spool {
  readonly #folder: string;
  readonly #limit: number;
  /** By key, the least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /**
   * @param folder Where the files lie; made when missing.
   * @param limit How many bodies to keep that nobody reads.
   */
  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /**
   * The body of this key: kept, or else written now. Requests that come meanwhile wait for the same file.
   *
   * @param write Writes the body and ends the stream. What it throws is thrown here.
   */
  async take(key: string, write: (to: Writable) => Promise<void>): Promise<SpooledBody> {
    const entry = this.#entries.get(key) ?? { ready: this.#written(write), uses: 0 };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.uses += 1;
    const release = () => {
      entry.uses -= 1;
      this.#evict();
    };
    try {
      const { handle, size } = await entry.ready;
      return { size, read: (start, end) => parts(handle, start, end), release };
    } catch (thrown) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw thrown;
    }
  }

  /** Frees every file. No body may be read afterwards. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.allSettled(entries.map(async ({ ready }) => (await ready).handle.close()));
  }

  async #written(write: (to: Writable) => Promise<void>): Promise<{ handle: FileHandle; size: number }> {
    await makePrivateFolder(this.#folder);
    const path = join(this.#folder, `${randomUUID()}.spool`);
    const handle = await open(path, 'wx+', PRIVATE_FILE_MODE);
    try {
      await unlink(path);
      await write(appending(handle));
      return { handle, size: (await handle.stat()).size };
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  #evict(): void {
    for (const [key, { ready, uses }] of this.#entries) {
      if (this.#entries.size <= this.#limit) return;
      if (uses > 0) continue;
      this.#entries.delete(key);
      // A body whose writing failed has no file, and the one who asked for it was told.
      void ready.then(({ handle }) => handle.close()).catch(() => undefined);
    }
  }
}

/** A stream into the file. (The handle's own would keep the handle from closing.) */
function appending(handle: FileHandle): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      handle.appendFile(piece).then(() => {
        done();
      }, done);
    },
  });
}

async function* parts(
  handle: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = start; at < end;) {
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(Math.min(READ_BYTES, end - at)),
      0,
      null,
      at,
    );
    if (bytesRead === 0) {
      throw new PipelineError('STAGING_LOST', `A spooled body ended at byte ${at}, before ${end}.`);
    }
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
