import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decompressFrame } from 'lz4-napi';
import { uncompress } from 'snappyjs';
import { PipelineError, messageOf } from '../model/errors.ts';

/** What other producers may compress their messages with. */
export type CodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Makes the records of a compressed batch as they were, or fails. */
export type Decompress = (compressed: Buffer) => Promise<Buffer>;

/** What zlib has from Node 22.15 on. */
export interface Zstd {
  readonly zstdDecompress?: (
    compressed: Buffer,
    options: { readonly maxOutputLength: number },
    done: (error: Error | null, records: Buffer) => void,
  ) => void;
}

/**
 * A batch that takes more than this is refused, so that a small one made to swell cannot take the worker's
 * memory. Producers put 16 KB into a batch unless told otherwise, and brokers take 1 MB, compressed. lz4 has
 * no such limit here: it swells to 255 times at most.
 */
const MAX_BATCH_BYTES = 256 << 20;

/** The types are those of the oldest Node. */
const RUNTIME: typeof zlib & Zstd = zlib;

const LIMIT = { maxOutputLength: MAX_BATCH_BYTES };
const unzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);

const DECOMPRESS: Record<CodecName, Decompress> = {
  gzip: (compressed) => unzip(compressed, LIMIT),
  // The thread pool takes it; in this thread it would keep the heartbeats waiting.
  lz4: decompressFrame,
  snappy: (compressed) => Promise.resolve(uncompressXerial(compressed)),
  zstd: decompressZstd(RUNTIME),
};

/**
 * How batches of a codec are read.
 * @param decompress What the codec itself does.
 * @returns What throws {@link PipelineError} KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING, without saying where.
 */
export function codecOf(name: CodecName, decompress = DECOMPRESS[name]): Decompress {
  return async (compressed) => {
    try {
      return await decompress(compressed);
    } catch (error) {
      if (error instanceof PipelineError) throw error;
      throw new PipelineError(
        'KAFKA_BATCH_UNREADABLE',
        `${name} and cannot be decompressed: ${messageOf(error)}`,
      );
    }
  };
}

/**
 * How zstd is read with what this Node has.
 * @returns What throws {@link PipelineError} KAFKA_CODEC_MISSING where it has nothing.
 */
export function decompressZstd({ zstdDecompress }: Zstd): Decompress {
  if (zstdDecompress !== undefined) {
    const decompress = promisify(zstdDecompress);
    return (compressed) => decompress(compressed, LIMIT);
  }
  return () => {
    const message = `zstd, which Node reads from 22.15 on, and this worker runs on ${process.versions.node}`;
    return Promise.reject(new PipelineError('KAFKA_CODEC_MISSING', message));
  };
}

const XERIAL_MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0]);
/** After the magic come two versions of 4 bytes, which say nothing that matters here. */
const XERIAL_HEAD_BYTES = XERIAL_MAGIC.length + 8;
const LENGTH_BYTES = 4;

/**
 * Snappy as producers send it: in the Java client's framing, which goes by the name of its author, xerial, and
 * is a head and then blocks, each after its length; or one block alone, as librdkafka can send it.
 */
function uncompressXerial(compressed: Buffer): Buffer {
  if (!compressed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC))
    return uncompress(compressed, MAX_BATCH_BYTES);
  const blocks: Buffer[] = [];
  let left = MAX_BATCH_BYTES;
  for (let at = XERIAL_HEAD_BYTES; at < compressed.length;) {
    const end = at + LENGTH_BYTES + compressed.readInt32BE(at);
    if (end > compressed.length || end < at + LENGTH_BYTES) throw new RangeError('it is cut off');
    const block = uncompress(compressed.subarray(at + LENGTH_BYTES, end), left);
    blocks.push(block);
    left -= block.length;
    at = end;
  }
  return Buffer.concat(blocks);
}
