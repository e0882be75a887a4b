import { open, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../../model/errors.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import type { Body } from './request.ts';

/** Large enough for cheap writes, small enough to detect a stalled server. */
const CHUNK_BYTES = 256 * 1024;

/** Content to upload: bytes, or the path of a mapDiskErrors file. */
export type LocalSource = Buffer | { readonly file: string };

/**
 * Calls `work` with the content as a body. A file is open during the call and must not change.
 * @throws {PipelineError} STAGING_LOST for a file that cannot be read.
 * @throws Errors of `work`.
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
      for (let offset = 0; offset < buffer.length; offset += CHUNK_BYTES)
        yield buffer.subarray(offset, offset + CHUNK_BYTES);
    },
  };
}

/** An open mapDiskErrors file. */
export interface LocalFile {
  readonly name: string;
  readonly handle: FileHandle;
}

/**
 * Opens a mapDiskErrors file, calls `work`, and closes the file.
 * @param flags `r` to read; `w` to overwrite.
 * @throws {PipelineError} STAGING_FULL when the disk is full, STAGING_LOST for any other error of the disk.
 * @throws Errors of `work`.
 */
export async function withLocalFile<T>(
  name: string,
  flags: 'r' | 'w',
  work: (file: LocalFile) => Promise<T>,
): Promise<T> {
  const handle = await mapDiskErrors(name, () => open(name, flags, PRIVATE_FILE_MODE));
  try {
    return await work({ name, handle });
  } finally {
    await handle.close();
  }
}

async function fileBody(file: LocalFile): Promise<Body> {
  const { size } = await mapDiskErrors(file.name, () => file.handle.stat());
  return {
    bytes: size,
    async *chunks() {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size));
      for (let offset = 0; offset < size;) {
        const length = Math.min(CHUNK_BYTES, size - offset);
        const position = offset;
        const { bytesRead } = await mapDiskErrors(file.name, () =>
          file.handle.read(buffer, 0, length, position),
        );
        if (bytesRead === 0) {
          throw new PipelineError(
            'STAGING_LOST',
            `${file.name} was truncated to ${offset} of ${size} bytes during the upload`,
          );
        }
        yield buffer.subarray(0, bytesRead);
        offset += bytesRead;
      }
    },
  };
}

/** Returns a sink that writes a body to a file from its start, over the bytes of an earlier attempt. */
export function fileSink(file: LocalFile): (chunk: Buffer) => Promise<void> {
  let position = 0;
  return async (chunk) => {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await mapDiskErrors(file.name, () =>
        file.handle.write(chunk, done, chunk.length - done, position),
      );
      done += bytesWritten;
      position += bytesWritten;
    }
  };
}

async function mapDiskErrors<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '');
    throw new PipelineError(
      full ? 'STAGING_FULL' : 'STAGING_LOST',
      `the local file ${name} cannot be read or written`,
      { cause },
    );
  }
}
