import { open, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../../model/errors.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import type { Body } from './request.ts';

/** Large enough that a write costs little beside its bytes, small enough to see a server that stalls. */
const CHUNK_BYTES = 256 * 1024;

/** A content on this machine: bytes in memory, or the name of a file. */
export type LocalSource = Buffer | { readonly file: string };

/**
 * Hands a content to `work` as a body; a file is open meanwhile and must not change.
 * @throws {PipelineError} STAGING_LOST for a file that cannot be read, and what `work` throws.
 */
export function withBody<T>(source: LocalSource, work: (body: Body) => Promise<T>): Promise<T> {
  if (Buffer.isBuffer(source)) return work(bufferBody(source));
  return withLocalFile(source.file, 'r', async (file) => work(await fileBody(file)));
}

function bufferBody(buffer: Buffer): Body {
  return {
    bytes: buffer.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- the same interface as a file's
    async *chunks() {
      for (let at = 0; at < buffer.length; at += CHUNK_BYTES) yield buffer.subarray(at, at + CHUNK_BYTES);
    },
  };
}

/** A file of this machine while it is open. */
export interface LocalFile {
  readonly name: string;
  readonly handle: FileHandle;
}

/**
 * Opens a local file, hands it to `work`, and closes it.
 * @param flags `r` to read it, `w` to write it anew.
 * @throws {PipelineError} STAGING_LOST or STAGING_FULL for what the disk refuses, and what `work` throws.
 */
export async function withLocalFile<T>(
  name: string,
  flags: 'r' | 'w',
  work: (file: LocalFile) => Promise<T>,
): Promise<T> {
  const handle = await local(name, () => open(name, flags, PRIVATE_FILE_MODE));
  try {
    return await work({ name, handle });
  } finally {
    await handle.close();
  }
}

async function fileBody(file: LocalFile): Promise<Body> {
  const { size } = await local(file.name, () => file.handle.stat());
  return {
    bytes: size,
    async *chunks() {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size));
      for (let at = 0; at < size;) {
        const length = Math.min(CHUNK_BYTES, size - at);
        const { bytesRead } = await local(file.name, () => file.handle.read(buffer, 0, length, at));
        if (bytesRead === 0) {
          throw new PipelineError('STAGING_LOST', `${file.name} was cut to ${at} of ${size} bytes meanwhile`);
        }
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
  };
}

/** Takes a body into a file, from its start; what an earlier try wrote is written over. */
export function fileSink(file: LocalFile): (chunk: Buffer) => Promise<void> {
  let at = 0;
  return async (chunk) => {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await local(file.name, () =>
        file.handle.write(chunk, done, chunk.length - done, at),
      );
      done += bytesWritten;
      at += bytesWritten;
    }
  };
}

async function local<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
    throw new PipelineError(full ? 'STAGING_FULL' : 'STAGING_LOST', `${name} on this machine`, { cause });
  }
}
