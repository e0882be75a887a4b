import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decompressFrame } from 'lz4-napi';
import { uncompress } from 'snappyjs';
import { PipelineError, messageOf } from '../../../model/errors.ts';
import { measureLz4 } from './lz4-frame.ts';

/** What other producers may compress their messages with. */
export type CodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/**
 * Makes the records of a compressed batch as they were, or fails.
 * @param maxBytes How many bytes they may have; more is found out while they are decompressed, not afterwards.
 */
export type Decompress = (compressed: Buffer, maxBytes: number) => Promise<Buffer>;

/** What zlib has from Node 22.15 on. */
export interface Zstd {
  readonly zstdDecompress?: (
    compressed: Buffer,
    options: { readonly maxOutputLength: number },
    done: (error: Error | null, records: Buffer) => void,
  ) => void;
}

/** How many times its size a batch can take at most; zstd has no such bound. */
const MAX_RATIO: Record<CodecName, number> = { gzip: 1_032, snappy: 64, lz4: 255, zstd: Infinity };

/** The types are those of the oldest Node. */
const RUNTIME: typeof zlib & Zstd = zlib;

const unzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);

const DECOMPRESS: Record<CodecName, Decompress> = {
  gzip: (compressed, maxOutputLength) => unzip(compressed, { maxOutputLength }),
  lz4: decompressLz4,
  snappy: (compressed, maxBytes) => Promise.resolve(decompressXerial(compressed, maxBytes)),
  zstd: decompressZstd(RUNTIME),
};

/** The most bytes that a compressed batch can take, which its decompression is bounded by. */
export function maxDecodedBytesOf(name: CodecName, compressedBytes: number, maxBytes: number): number {
  return Math.min(compressedBytes * MAX_RATIO[name], maxBytes);
}

/**
 * How batches of a codec are read.
 * @param decompress What the codec itself does.
 * @returns What throws {@link PipelineError} KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING, without saying where.
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

/** Raised where more bytes would be decompressed than a batch may take. */
class TooLarge extends Error {}

function describeFault(error: unknown, maxBytes: number): string {
  const isOfZlib = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  return isOfZlib || error instanceof TooLarge
    ? `take more than the ${maxBytes} bytes that a batch may take decompressed (limits.batchDecodedBytes)`
    : `cannot be decompressed: ${messageOf(error)}`;
}

/**
 * How zstd is read with what this Node has.
 * @returns What throws {@link PipelineError} KAFKA_CODEC_MISSING where it has nothing.
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
/** After the magic come two versions of 4 bytes, which say nothing that matters here. */
const XERIAL_HEADER_BYTES = XERIAL_MAGIC.length + 8;
const LENGTH_BYTES = 4;
const MAX_SNAPPY_LENGTH_BYTES = 5;

/** The thread pool decompresses it; in this thread it would keep the heartbeats waiting. */
async function decompressLz4(compressed: Buffer, maxBytes: number): Promise<Buffer> {
  const { frame, contentBytes } = measureLz4(compressed, maxBytes);
  if (contentBytes > maxBytes) throw new TooLarge();
  return decompressFrame(frame);
}

/**
 * Snappy as producers send it: in the Java client's framing, which goes by the name of its author, xerial, and
 * is a head and then blocks, each after its length; or one block alone, as librdkafka can send it.
 */
function decompressXerial(compressed: Buffer, maxBytes: number): Buffer {
  if (!compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return decompressSnappyBlock(compressed, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = XERIAL_HEADER_BYTES; at < compressed.length;) {
    const end = at + LENGTH_BYTES + compressed.readInt32BE(at);
    if (end > compressed.length || end < at + LENGTH_BYTES) throw new RangeError('it is cut off');
    const block = decompressSnappyBlock(compressed.subarray(at + LENGTH_BYTES, end), left);
    blocks.push(block);
    left -= block.length;
    at = end;
  }
  return Buffer.concat(blocks);
}

/** A block begins with the length of its content: a varint of at most 32 bits. */
function decompressSnappyBlock(block: Buffer, maxBytes: number): Buffer {
  let length = 0;
  for (let at = 0; at < MAX_SNAPPY_LENGTH_BYTES; at += 1) {
    const byte = block[at] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte <= 0x7f) break;
  }
  if (length > block.length * MAX_RATIO.snappy) throw new RangeError('it is cut off');
  if (length > maxBytes) throw new TooLarge();
  return uncompress(block);
}
