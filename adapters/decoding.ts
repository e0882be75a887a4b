import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { PassThrough, Readable } from 'node:stream';
import { PipelineError, messageOf } from '../model/errors.ts';

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/**
 * The bytes of a content, unpacked where it is gzip. Its first bytes tell: no JSON begins as gzip does,
 * while file names, types and encodings of customers are often wrong.
 * @param subject What is decoded, for messages.
 * @throws {PipelineError} SOURCE_MALFORMED when the gzip is damaged or ends too early.
 */
export async function* decoded(raw: AsyncIterable<Buffer>, subject: string): AsyncGenerator<Buffer> {
  const reader = raw[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let done = false;
  while (head.length < GZIP_MAGIC.length && !done) {
    const next = await reader.next();
    if (next.done === true) done = true;
    else head = Buffer.concat([head, next.value]);
  }
  const whole = following(head, reader, done);
  if (GZIP_MAGIC.every((byte, at) => head[at] === byte)) yield* unpacked(whole, subject);
  else yield* whole;
}

async function* following(
  head: Buffer,
  reader: AsyncIterator<Buffer>,
  done: boolean,
): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = done ? undefined : await reader.next(); next?.done === false; next = await reader.next()) {
    yield next.value;
  }
}

async function* unpacked(packed: AsyncIterable<Buffer>, subject: string): AsyncGenerator<Buffer> {
  const output = new PassThrough();
  // The flow says what went wrong; the output alone would end with less.
  const failed = pipeline(
    Readable.from(packed, { objectMode: false }),
    createGunzip({ chunkSize: 1 << 18 }),
    output,
  ).then(
    () => undefined,
    (failure: unknown) => failure ?? new Error('it ended'),
  );
  try {
    for await (const bytes of output) yield bytes as Buffer;
  } catch (error) {
    const cause = (await failed) ?? error;
    if (cause instanceof PipelineError) throw cause;
    throw new PipelineError(
      'SOURCE_MALFORMED',
      `the content of ${subject} is damaged gzip: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}
