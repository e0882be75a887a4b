import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { withBody, type LocalSource } from './bodies.ts';
import { HdfsError, type FileChecksum } from './webhdfs.ts';

/** The length and hashes of a content. */
export interface Digests {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The checksum that HDFS reports for a file with this content. */
  readonly hdfs: FileChecksum;
}

/** Bytes per CRC: HDFS's default of `dfs.bytes-per-checksum`. */
const CHUNK_BYTES = 512;
const CRC_BYTES = 4;
/** Initial size of Hadoop's buffer of MD5s. It doubles when full, and its unused zero bytes are hashed too. */
const BUFFER_BYTES = 32;
/** Bytes per CRC (4), CRCs per block (8) and an MD5 (16). */
const CHECKSUM_BYTES = 28;

/**
 * Computes the checksum that HDFS reports (GETFILECHECKSUM) for a file with this content and CRC32C, its default.
 * @param blockSize In bytes: the file's {@link FileStatus.blockSize}, on which the checksum depends.
 * @throws {HdfsError} HDFS_DAMAGED for an invalid block size.
 * @throws {PipelineError} STAGING_LOST for a local file that cannot be read.
 */
export async function fileChecksum(source: LocalSource, blockSize: number): Promise<FileChecksum> {
  const checksum = new HdfsChecksum(blockSize);
  await withBody(source, async (body) => {
    for await (const chunk of body.chunks()) checksum.update(chunk);
  });
  return checksum.digest();
}

/**
 * Computes length, SHA-256 and HDFS checksum of a content in one pass. Errors as {@link fileChecksum}.
 * @param blockSize In bytes.
 */
export async function digestsOf(source: LocalSource, blockSize: number): Promise<Digests> {
  const checksum = new HdfsChecksum(blockSize);
  const sha256 = createHash('sha256');
  const bytes = await withBody(source, async (body) => {
    for await (const chunk of body.chunks()) {
      sha256.update(chunk);
      checksum.update(chunk);
    }
    return body.bytes;
  });
  return { bytes, sha256: sha256.digest('hex'), hdfs: checksum.digest() };
}

/**
 * Computes MD5-of-MD5s-of-CRCs like HDFS: CRC32C of every 512 bytes, MD5 of a block's CRCs, MD5 of the blocks' MD5s.
 */
class HdfsChecksum {
  readonly #blockSize: number;
  readonly #partial = Buffer.alloc(CHUNK_BYTES);
  readonly #blocks: Buffer[] = [];
  #filled = 0;
  #block: Hash = createHash('md5');
  #blockBytes = 0;

  constructor(blockSize: number) {
    if (!Number.isSafeInteger(blockSize) || blockSize <= 0 || blockSize % CHUNK_BYTES !== 0) {
      throw new HdfsError(
        'HDFS_DAMAGED',
        `invalid block size of ${blockSize} bytes: the path is missing in HDFS, or is not a file`,
      );
    }
    this.#blockSize = blockSize;
  }

  update(bytes: Buffer): void {
    let start = 0;
    if (this.#filled > 0) {
      start = this.#buffer(bytes);
      if (this.#filled < CHUNK_BYTES) return;
      this.#flush();
    }
    const end = bytes.length - ((bytes.length - start) % CHUNK_BYTES);
    this.#hash(bytes.subarray(start, end));
    this.#buffer(bytes.subarray(end));
  }

  digest(): FileChecksum {
    this.#flush();
    if (this.#blockBytes > 0) this.#endBlock();
    const blocks = this.#blocks.length;
    const bytesPerCrc = blocks === 0 ? 0 : CHUNK_BYTES;
    const crcsPerBlock = blocks > 1 ? this.#blockSize / CHUNK_BYTES : 0;
    const hashed = Buffer.alloc(Math.max(BUFFER_BYTES, 2 ** Math.ceil(Math.log2(blocks * 16))));
    Buffer.concat(this.#blocks).copy(hashed);
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeInt32BE(bytesPerCrc, 0);
    checksum.writeBigInt64BE(BigInt(crcsPerBlock), 4);
    createHash('md5').update(hashed).digest().copy(checksum, 12);
    // For an empty file, HDFS reports CRC32.
    const crc = blocks === 0 ? 'CRC32' : 'CRC32C';
    return {
      algorithm: `MD5-of-${crcsPerBlock}MD5-of-${bytesPerCrc}${crc}`,
      bytes: checksum.toString('hex'),
      length: CHECKSUM_BYTES,
    };
  }

  /** Buffers an incomplete chunk; returns the number of bytes copied. */
  #buffer(bytes: Buffer): number {
    const copied = bytes.copy(this.#partial, this.#filled);
    this.#filled += copied;
    return copied;
  }

  #flush(): void {
    this.#hash(this.#partial.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** Adds the CRCs of complete chunks; only the last chunk of the content may be shorter. */
  #hash(bytes: Buffer): void {
    const crcs = Buffer.allocUnsafe(Math.ceil(bytes.length / CHUNK_BYTES) * CRC_BYTES);
    let from = 0;
    let to = 0;
    for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
      const chunk = bytes.subarray(offset, offset + CHUNK_BYTES);
      to = crcs.writeUInt32BE(crc32c(chunk), to);
      this.#blockBytes += chunk.length;
      if (this.#blockBytes < this.#blockSize) continue;
      this.#block.update(crcs.subarray(from, to));
      from = to;
      this.#endBlock();
    }
    this.#block.update(crcs.subarray(from, to));
  }

  #endBlock(): void {
    this.#blocks.push(this.#block.digest());
    this.#block = createHash('md5');
    this.#blockBytes = 0;
  }
}
