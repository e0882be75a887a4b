import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../../model/errors.ts';
import type { Resume } from './source.ts';
import { Representation } from './representation.ts';
import { jsonText } from '../../lib/json-schema.ts';
import { mapDiskFull } from '../staging/staging.ts';

/** More than the metadata has, since Node limits the size of an answer's headers. */
const MAX_HEAD_BYTES = 1 << 17;

const READ_BYTES = 1 << 18;

const LINE_FEED = 0x0a;

/** A partial download in a spool file: one line of JSON ({@link Representation}), then the content's first bytes. */
export interface KeptContent extends Resume {
  readonly path: string;
  /** The file's inode, to detect that another attempt replaced the file. */
  readonly inode: number;
  /** The offset of the content in the file. */
  readonly headBytes: number;
}

/**
 * Finds the partial download of an earlier attempt.
 * @returns Undefined if there is nothing to resume.
 */
export async function findKept(path: string): Promise<KeptContent | undefined> {
  const file = await openExisting(path);
  if (file === undefined) return undefined;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_HEAD_BYTES), 0, MAX_HEAD_BYTES, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(LINE_FEED);
    const { size, ino: inode } = await file.stat();
    const fromByte = size - end - 1;
    const head = Head.safeParse(end === -1 ? '' : buffer.toString('utf8', 0, end));
    if (!head.success || fromByte === 0) return undefined;
    // The complete content made the attempt fail: download it again, since the server may have corrected it.
    if (fromByte >= (head.data.totalBytes ?? Infinity)) return undefined;
    return { path, inode, headBytes: end + 1, representation: head.data, fromByte };
  } finally {
    await file.close();
  }
}

const Head = jsonText.pipe(Representation);

/**
 * Yields a content from its beginning: the spooled bytes, then the remaining ones, which are spooled too.
 * @throws {PipelineError} STAGING_FULL; SOURCE_CHANGED when another attempt has replaced the spool file.
 */
export async function* continueSpool(kept: KeptContent, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { path, inode, headBytes, fromByte } = kept;
  const end = headBytes + fromByte;
  const file = await open(path, 'r+');
  try {
    if ((await file.stat()).ino !== inode)
      throw new PipelineError('SOURCE_CHANGED', `another try began the download again: ${path} was replaced`);
    const beginning = { start: headBytes, end: end - 1, highWaterMark: READ_BYTES, autoClose: false };
    yield* file.createReadStream(beginning) as AsyncIterable<Buffer>;
    yield* spoolChunks(path, file, rest, end);
  } finally {
    await file.close();
  }
}

/**
 * Yields the body and writes it to a new spool file, which replaces an old one. Without a validator a download cannot
 * be resumed, so nothing is spooled.
 * @throws {PipelineError} STAGING_FULL
 */
export async function* beginSpool(
  path: string,
  representation: Representation,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  if (representation.validator === undefined) {
    await rm(path, { force: true });
    yield* body;
    return;
  }
  // A new file, because an attempt that timed out may still write to the old one. Metadata and content share one file,
  // so that they are replaced together.
  const fresh = `${path}.${randomUUID()}`;
  const file = await mapDiskFull(path, open(fresh, 'wx'));
  const head = Buffer.from(`${JSON.stringify(representation)}\n`);
  try {
    await mapDiskFull(path, writeAt(file, head, 0));
    await rename(fresh, path);
    yield* spoolChunks(path, file, body, head.length);
  } finally {
    await file.close();
  }
}

/** Yields chunks and writes each at its offset; concurrent attempts write the same bytes. */
async function* spoolChunks(
  path: string,
  file: FileHandle,
  body: AsyncIterable<Buffer>,
  position: number,
): AsyncGenerator<Buffer> {
  let offset = position;
  let written = Promise.resolve();
  try {
    for await (const bytes of body) {
      await written;
      // Written while the reader processes the chunk.
      written = mapDiskFull(path, writeAt(file, bytes, offset));
      written.catch(() => undefined);
      offset += bytes.length;
      yield bytes;
    }
    await written;
  } finally {
    await Promise.allSettled([written]);
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, from, bytes.length - from, position + from);
    from += bytesWritten;
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
