import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../../model/errors.ts';
import type { Resume } from './source.ts';
import { Representation } from './representation.ts';
import { jsonText } from '../../lib/json-schema.ts';
import { mapDiskFull } from '../staging/staging.ts';

/** More than a description has: Node refuses an answer with more bytes of headers. */
const MAX_HEAD_BYTES = 1 << 17;

const READ_BYTES = 1 << 18;

const LINE_FEED = 0x0a;

/** What was received of a content, kept so that the next try requests only the rest. */
export interface KeptContent extends Resume {
  readonly path: string;
  /** The file itself, whatever gets its name later. */
  readonly inode: number;
  /** Where the content begins in the file. */
  readonly headBytes: number;
}

/**
 * Finds what an earlier try kept in a spool file.
 * @returns Undefined where there is nothing to go on with.
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
    // All of it was received, and yet the try failed: what is sent now may be better.
    if (fromByte >= (head.data.totalBytes ?? Infinity)) return undefined;
    return { path, inode, headBytes: end + 1, representation: head.data, fromByte };
  } finally {
    await file.close();
  }
}

const Head = jsonText.pipe(Representation);

/**
 * The bytes of a content from its beginning: those that were kept, then those that arrive, which are kept too.
 * @throws {PipelineError} STAGING_FULL, SOURCE_CHANGED
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
    yield* keeping(path, file, rest, end);
  } finally {
    await file.close();
  }
}

/**
 * The bytes that arrive, kept in a spool file in place of what it held. Without a validator nothing could go on with
 * them, so they are not kept.
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
  // A try that was taken for dead may still write to the file of before, so this one is another. The description
  // stands in the same file as the bytes that it describes: neither can be replaced without the other.
  const fresh = `${path}.${randomUUID()}`;
  const file = await mapDiskFull(path, open(fresh, 'wx'));
  const head = Buffer.from(`${JSON.stringify(representation)}\n`);
  try {
    await mapDiskFull(path, writeAt(file, head, 0));
    await rename(fresh, path);
    yield* keeping(path, file, body, head.length);
  } finally {
    await file.close();
  }
}

/** Passes bytes on and writes each to its own position: tries that overlap write the same. */
async function* keeping(
  path: string,
  file: FileHandle,
  body: AsyncIterable<Buffer>,
  position: number,
): AsyncGenerator<Buffer> {
  let at = position;
  let written = Promise.resolve();
  try {
    for await (const bytes of body) {
      await written;
      // The reader works with them meanwhile.
      written = mapDiskFull(path, writeAt(file, bytes, at));
      written.catch(() => undefined);
      at += bytes.length;
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
