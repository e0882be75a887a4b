import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decompressFrame } from 'lz4-napi';
import { uncompress } from 'snappyjs';
import { PipelineError, messageOf } from '../../../model/errors.ts';
import { measureLz4 } from './lz4-frame.ts';

/** Compression codecs of Kafka. */
export type CodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/**
 * Decompresses the records of a batch.
 * @param maxBytes The maximum decompressed size; checked before or during decompression.
 */
export type Decompress = (compressed: Buffer, maxBytes: number) => Promise<Buffer>;

/** The part of node:zlib that exists from Node 22.15 on. */
export interface Zstd {
  readonly zstdDecompress?: (
    compressed: Buffer,
    options: { readonly maxOutputLength: number },
    done: (error: Error | null, records: Buffer) => void,
  ) => void;
}

/** The maximum compression ratio of each codec's format; zstd has no bound. */
const MAX_RATIO: Record<CodecName, number> = { gzip: 1_032, snappy: 64, lz4: 255, zstd: Infinity };

/** Typed for the oldest supported Node, which has no zstd. */
const RUNTIME: typeof zlib & Zstd = zlib;

const unzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);

const DECOMPRESS: Record<CodecName, Decompress> = {
  gzip: (compressed, maxOutputLength) => unzip(compressed, { maxOutputLength }),
  lz4: decompressLz4,
  snappy: (compressed, maxBytes) => Promise.resolve(decompressXerial(compressed, maxBytes)),
  zstd: decompressZstd(RUNTIME),
};

/** Returns an upper bound of the decompressed size of a batch, at most `maxBytes`. */
export function maxDecodedBytesOf(name: CodecName, compressedBytes: number, maxBytes: number): number {
  return Math.min(compressedBytes * MAX_RATIO[name], maxBytes);
}

/**
 * Returns a codec's decompressor, with its errors converted to {@link PipelineError} KAFKA_BATCH_UNREADABLE or
 * KAFKA_CODEC_MISSING; the caller adds topic, partition and offset.
 * @param decompress The codec's own function.
 */
export function codecOf(name: CodecName, decompress = DECOMPRESS[name]): Decompress {
  return async (compressed, maxBytes) => {
    try {
      return await decompress(compressed, maxBytes);
    } catch (error) {
      if (error instanceof PipelineError) throw error;
      throw new PipelineError('KAFKA_BATCH_UNREADABLE', `${name} and ${describeFault(error, maxBytes)}`);
    }
  };
}

/** Thrown if the decompressed size would exceed the maximum. */
class TooLarge extends Error {}

function describeFault(error: unknown, maxBytes: number): string {
  const isZlibLimit = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  return isZlibLimit || error instanceof TooLarge
    ? `take more than the ${maxBytes} bytes that a batch may take decompressed (limits.batchDecodedBytes)`
    : `cannot be decompressed: ${messageOf(error)}`;
}

/**
 * Returns the zstd decompressor of this Node.
 * @returns A function that throws {@link PipelineError} KAFKA_CODEC_MISSING if this Node has none.
 */
export function decompressZstd({ zstdDecompress }: Zstd): Decompress {
  if (zstdDecompress !== undefined) {
    const decompress = promisify(zstdDecompress);
    return (compressed, maxOutputLength) => decompress(compressed, { maxOutputLength });
  }
  return () => {
    const message = `zstd, which Node reads from 22.15 on, and this worker runs on ${process.versions.node}`;
    return Promise.reject(new PipelineError('KAFKA_CODEC_MISSING', message));
  };
}

const XERIAL_MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0]);
/** Magic, version INT32, minimum compatible version INT32. The versions are not checked. */
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;
const LENGTH_BYTES = 4;
const MAX_SNAPPY_LENGTH_BYTES = 5;

/** Decompresses in the thread pool, since this thread also sends the heartbeats. */
async function decompressLz4(compressed: Buffer, maxBytes: number): Promise<Buffer> {
  const { frame, contentBytes } = measureLz4(compressed, maxBytes);
  if (contentBytes > maxBytes) throw new TooLarge();
  return decompressFrame(frame);
}

/**
 * Decompresses Snappy in the framing of xerial's snappy-java, which the Java client sends, or a single raw block, which
 * librdkafka can send.
 *
 * | Field              | Type      | Bytes |                            |
 * | ------------------ | --------- | ----: | -------------------------- |
 * | magic              |           |     8 | 0x82 "SNAPPY" 0x00         |
 * | version            | INT32     |     4 | not read                   |
 * | compatible_version | INT32     |     4 | not read                   |
 * | block              | repeated  |       |                            |
 * | – length           | INT32     |     4 | big-endian                 |
 * | – data             | raw block |     n | github.com/google/snappy   |
 */
function decompressXerial(compressed: Buffer, maxBytes: number): Buffer {
  if (!compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return decompressSnappyBlock(compressed, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let position = XERIAL_HEADER_BYTES; position < compressed.length;) {
    const end = position + LENGTH_BYTES + compressed.readInt32BE(position);
    if (end > compressed.length || end < position + LENGTH_BYTES) throw new RangeError('it is cut off');
    const block = decompressSnappyBlock(compressed.subarray(position + LENGTH_BYTES, end), left);
    blocks.push(block);
    left -= block.length;
    position = end;
  }
  return Buffer.concat(blocks);
}

/** Decompresses a raw block, which begins with its decompressed length: a little-endian varint of at most 32 bits. */
function decompressSnappyBlock(block: Buffer, maxBytes: number): Buffer {
  let length = 0;
  for (let position = 0; position < MAX_SNAPPY_LENGTH_BYTES; position += 1) {
    const byte = block[position] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * position);
    if (byte <= 0x7f) break;
  }
  if (length > block.length * MAX_RATIO.snappy) throw new RangeError('it is cut off');
  if (length > maxBytes) throw new TooLarge();
  return uncompress(block);
}
