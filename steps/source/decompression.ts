import type { Transform } from 'node:stream';
import zlib, {
  constants,
  createBrotliDecompress,
  createInflate,
  createInflateRaw,
  inflateRawSync,
} from 'node:zlib';
import { crc32 } from '@node-rs/crc32';
import type { ByteReader } from '../../lib/byte-reader.ts';

/** A compression, by its Content-Encoding. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** The zstd API of node:zlib since Node 22.15; the installed types are of the oldest supported Node. */
interface Zstd {
  readonly createZstdDecompress?: (options: zlib.ZlibOptions) => Engine;
}

/** Compressed content ends before its stream does. */
export class TruncationError extends Error {
  override readonly name = 'TruncationError';
}

/** A decompressing stream of node:zlib. */
type Engine = Transform & zlib.Zlib;

const CHUNK = { chunkSize: 1 << 18 };

/** Streams up to these compressed and decompressed sizes are inflated synchronously. */
const SMALL = { bytes: 1 << 15, options: { info: true, maxOutputLength: 1 << 18 } };

/** The flags of a gzip member's header (RFC 1952, 2.3.1). */
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 };
const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;
const DEFLATE = 8;

/** Zlib's own message for it. */
const UNEXPECTED_END = 'unexpected end of file';

const RUNTIME: typeof zlib & Zstd = zlib;

/** Node 22 accepts a truncated zstd frame as complete, which would lose records. */
const MIN_ZSTD_NODE = 24;

/** Returns whether bytes are a gzip member or a prefix of one: magic, method, no reserved flag. */
export function isGzip(head: Buffer): boolean {
  const [one, two = 0x8b, method = DEFLATE, flags = 0] = head;
  return one === 0x1f && two === 0x8b && method === DEFLATE && (flags & FLAG.reserved) === 0;
}

/** Returns whether bytes begin as a zlib stream with the usual window (RFC 1950), the Content-Encoding `deflate`. */
export function isZlib(head: Buffer): boolean {
  return head.length >= 2 && head[0] === 0x78 && hasZlibHeader(head);
}

/** Returns whether bytes are a zstd frame, a skippable one (RFC 8878, 3.1) or a prefix of one. */
export function isZstd(head: Buffer): boolean {
  const [one = 0, two, three = 0x2f, four = 0xfd] = head;
  if (one === 0x28 && two === 0xb5) return three === 0x2f && four === 0xfd;
  return one >> 4 === 5 && two === 0x2a && three === 0x4d && four === 0x18;
}

/** Returns whether this version of Node supports a compression. */
export function canDecompress(coding: Coding): boolean {
  return coding !== 'zstd' || Number.parseInt(process.versions.node, 10) >= MIN_ZSTD_NODE;
}

/**
 * Decompresses all of the input; trailing bytes are an error.
 * @throws {TruncationError} if the input is truncated.
 * @throws {Error} if it is damaged, with the offset in the compressed content where known.
 */
export async function* decompressed(coding: Coding, input: ByteReader): AsyncGenerator<Buffer> {
  if (coding === 'gzip') yield* gunzipped(input);
  else if (coding === 'zstd') yield* unzstd(input);
  else {
    const hasHeader = coding === 'deflate' && hasZlibHeader(await input.peek(2));
    if (coding === 'br') yield* through(createBrotliDecompress(CHUNK), input);
    else yield* through(hasHeader ? createInflate(CHUNK) : createInflateRaw(CHUNK), input);
    if ((await input.peek(1)).length > 0)
      throw new Error(`it continues after its end, at byte ${input.offset}`);
  }
}

/** Returns the first decompressed bytes of what may be brotli, which has no magic; undefined if it is not. */
export async function readBrotliStart(input: ByteReader): Promise<Buffer | undefined> {
  try {
    for await (const bytes of through(createBrotliDecompress(CHUNK), input)) return bytes;
  } catch {
    // Not brotli.
  }
  return undefined;
}

function hasZlibHeader(head: Buffer): boolean {
  const [one = 0, two = 0] = head;
  return (
    (one & 0x0f) === DEFLATE && (one >> 4) + 8 <= constants.Z_MAX_WINDOWBITS && (one * 256 + two) % 31 === 0
  );
}

/** Decompresses consecutive gzip members, which may be padded with zeros. */
async function* gunzipped(input: ByteReader): AsyncGenerator<Buffer> {
  do yield* gunzippedMember(input);
  while (await isAtMember(input));
}

async function* gunzippedMember(input: ByteReader): AsyncGenerator<Buffer> {
  await readHeader(input);
  let crc = 0;
  let bytes = 0;
  const small = inflateSmall(await input.peek(1));
  if (small !== undefined) await input.read(small.engine.bytesWritten);
  for await (const part of small === undefined ? through(createInflateRaw(CHUNK), input) : [small.buffer]) {
    crc = crc32(part, crc);
    bytes += part.length;
    yield part;
  }
  const trailer = await readExactly(input, GZIP_TRAILER_BYTES);
  const where = `of the member that ends at byte ${input.offset}`;
  if (trailer.readUInt32LE(0) !== crc) throw new Error(`the checksum ${where} is another`);
  if (trailer.readUInt32LE(4) !== bytes % 2 ** 32) throw new Error(`the length ${where} is another`);
}

/** The result of zlib with its option `info`. */
interface Inflated {
  readonly buffer: Buffer;
  /** Its `bytesWritten` is the length of the compressed stream. */
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Inflates a small stream synchronously, which for a few lines is 50 times faster than an engine with its events.
 * @returns Undefined if the stream is large, damaged, or longer than these bytes.
 */
function inflateSmall(bytes: Buffer): Inflated | undefined {
  try {
    const found: unknown = inflateRawSync(bytes.subarray(0, SMALL.bytes), SMALL.options);
    return isInflated(found) ? found : undefined;
  } catch {
    // The caller falls back to an engine, which reads the rest of the stream or reports the damage.
    return undefined;
  }
}

function isInflated(found: unknown): found is Inflated {
  return typeof found === 'object' && found !== null && 'buffer' in found && 'engine' in found;
}

/** Consumes a member's header with its optional fields (RFC 1952, 2.3). */
async function readHeader(input: ByteReader): Promise<void> {
  const offset = input.offset;
  const fixed = await readExactly(input, GZIP_HEADER_BYTES);
  const flags = fixed[3] ?? 0;
  if (!isGzip(fixed)) throw new Error(`the header of the member at byte ${offset} is not of gzip’s deflate`);
  let crc = crc32(fixed);
  if ((flags & FLAG.extra) !== 0) {
    const length = await readExactly(input, 2);
    crc = crc32(await readExactly(input, length.readUInt16LE()), crc32(length, crc));
  }
  if ((flags & FLAG.name) !== 0) crc = await skipText(input, crc);
  if ((flags & FLAG.comment) !== 0) crc = await skipText(input, crc);
  if ((flags & FLAG.headerCrc) === 0) return;
  if ((await readExactly(input, 2)).readUInt16LE() !== (crc & 0xffff))
    throw new Error(`the checksum of the header of the member at byte ${offset} is another`);
}

/** Consumes a zero-terminated string; returns the updated checksum. */
async function skipText(input: ByteReader, crc: number): Promise<number> {
  for (let sum = crc; ;) {
    const bytes = await input.next();
    if (bytes === undefined) throw new TruncationError(UNEXPECTED_END);
    const end = bytes.indexOf(0);
    const text = end === -1 ? bytes : bytes.subarray(0, end + 1);
    sum = crc32(text, sum);
    if (end === -1) continue;
    input.unread(bytes.subarray(text.length));
    return sum;
  }
}

/** Consumes zero padding; returns whether another member follows. */
async function isAtMember(input: ByteReader): Promise<boolean> {
  for (let bytes = await input.next(); bytes !== undefined; bytes = await input.next()) {
    let zeros = 0;
    while (zeros < bytes.length && bytes[zeros] === 0) zeros += 1;
    if (zeros === bytes.length) continue;
    input.unread(bytes.subarray(zeros));
    if (isGzip(await input.peek(4))) return true;
    throw new Error(
      `at byte ${input.offset} of the compressed content is neither another member nor padding of zeros`,
    );
  }
  return false;
}

async function* unzstd(input: ByteReader): AsyncGenerator<Buffer> {
  do {
    const engine = RUNTIME.createZstdDecompress?.(CHUNK);
    if (engine === undefined) throw new Error(`Node ${process.versions.node} has no zstd`);
    yield* through(engine, input);
  } while (isZstd(await input.peek(4)));
  if ((await input.peek(1)).length > 0)
    throw new Error(`at byte ${input.offset} of the compressed content is no other frame`);
}

async function readExactly(input: ByteReader, count: number): Promise<Buffer> {
  const bytes = await input.read(count);
  if (bytes.length < count) throw new TruncationError(UNEXPECTED_END);
  return bytes;
}

/** Decompresses one stream; the input is left at its end. */
async function* through(engine: Engine, input: ByteReader): AsyncGenerator<Buffer> {
  const fed = feed(engine, input);
  try {
    for await (const bytes of engine) yield bytes as Buffer;
    await fed;
  } catch (error) {
    if (!isEndOfInput(error)) throw error;
    throw new TruncationError(UNEXPECTED_END, { cause: error });
  } finally {
    engine.destroy();
  }
}

/** Returns whether an error of zlib, brotli or zstd means that the input ended too early. */
function isEndOfInput(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR';
}

/** Writes the input to the engine until its stream ends; destroys the engine with an error of the input. */
async function feed(engine: Engine, input: ByteReader): Promise<void> {
  let given = 0;
  let settle = (): void => undefined;
  for (const event of ['end', 'close'])
    engine.once(event, () => {
      settle();
    });
  try {
    for (let bytes = await input.next(); bytes !== undefined; bytes = await input.next()) {
      if (engine.destroyed) return;
      const piece = bytes;
      given += piece.length;
      await new Promise<void>((resolve) => {
        settle = resolve;
        engine.write(piece, () => {
          resolve();
        });
      });
      // Bytes after the end of the engine's stream are unread.
      const left = given - engine.bytesWritten;
      if (left === 0) continue;
      input.unread(piece.subarray(piece.length - left));
      return;
    }
    engine.end();
  } catch (error) {
    engine.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
