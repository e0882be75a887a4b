import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { makePrivateFolder, PRIVATE_FILE_MODE } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';

const READ_BYTES = 64 * 1024;

/** A body in a file; ranges can be read until it is released. */
export interface SpooledBody {
  readonly size: number;
  /** Reads the bytes [start, end). */
  read(start: number, end: number): AsyncGenerator<Buffer, void, undefined>;
  /** Must be called once when the body is no longer read. */
  release(): void;
}

interface Entry {
  readonly ready: Promise<{ readonly handle: FileHandle; readonly size: number }>;
  /** Number of readers that use the body. */
  uses: number;
}

/**
 * Bodies in files, so that ranges can be served without generating the body again. At most a few are kept, the most
 * recently used. A file is unlinked as soon as it is open: the system frees its space however the process ends.
 */
export class Spool {
  readonly #folder: string;
  readonly #limit: number;
  /** By key, least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /**
   * @param folder Folder of the files; created when missing.
   * @param limit Number of unused bodies to keep.
   */
  constructor(folder: string, limit: number) {
    this.#folder = folder;
    this.#limit = limit;
  }

  /**
   * Returns the body of this key; writes it first unless it is kept. Concurrent requests wait for the same file.
   *
   * @param write Writes the body and ends the stream. Its errors are rethrown.
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

  /** Frees every file. Bodies can't be read afterwards. */
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
      // A body that couldn't be written has no file, and its caller got the error.
      void ready.then(({ handle }) => handle.close()).catch(() => undefined);
    }
  }
}

/** Makes a stream into the file. (The handle's own stream would keep the handle from closing.) */
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
