import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { withBody, type LocalSource } from './webhdfs-bodies.ts';
import { HdfsError, type FileChecksum } from './webhdfs.ts';

/** What tells a content from any other. */
export interface Digests {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** What HDFS reports of a file with this content. */
  readonly hdfs: FileChecksum;
}

/** The bytes that share a CRC: HDFS's default, `dfs.bytes-per-checksum`. */
const CHUNK_BYTES = 512;
/** The bytes that are looked at together: a multiple of a chunk that stays in the processor's cache. */
const SCRATCH_BYTES = 64 * 1024;
/** The room that Hadoop's buffer begins with; it doubles when it is full, and its unused rest is hashed too. */
const BUFFER_BYTES = 32;
/** The checksum has bytes per CRC (4), CRCs per block (8) and an MD5 (16). */
const CHECKSUM_BYTES = 28;

/**
 * The checksum that HDFS reports (GETFILECHECKSUM) of a file with this content and CRC32C, its default.
 * @param blockSize In bytes, of the file in HDFS ({@link FileStatus.blockSize}): the checksum depends on it.
 * @throws {HdfsError} HDFS_DAMAGED for a block size that no file can have.
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
 * Length, SHA-256 and HDFS's checksum of a content, in one pass.
 * @param blockSize As for {@link fileChecksum}, which also tells the errors.
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
 * MD5-of-MD5s-of-CRCs, as HDFS's DataNodes and client compute it: CRC32C of every 512 bytes, MD5 of the
 * CRCs of a block, MD5 of the blocks' MD5s.
 */
class HdfsChecksum {
  readonly #blockSize: number;
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES);
  readonly #crcs = Buffer.alloc((SCRATCH_BYTES / CHUNK_BYTES) * 4);
  readonly #blocks: Buffer[] = [];
  #filled = 0;
  #block: Hash = createHash('md5');
  #inBlock = 0;

  constructor(blockSize: number) {
    if (!Number.isSafeInteger(blockSize) || blockSize <= 0 || blockSize % CHUNK_BYTES !== 0) {
      throw new HdfsError(
        'HDFS_DAMAGED',
        `a file in HDFS cannot have blocks of ${blockSize} bytes: it is missing, or not a file`,
      );
    }
    this.#blockSize = blockSize;
  }

  update(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#scratch, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === SCRATCH_BYTES) this.#empty();
    }
  }

  digest(): FileChecksum {
    this.#empty();
    if (this.#inBlock > 0) this.#endBlock();
    const blocks = this.#blocks.length;
    const bytesPerCrc = blocks === 0 ? 0 : CHUNK_BYTES;
    const crcsPerBlock = blocks > 1 ? this.#blockSize / CHUNK_BYTES : 0;
    const hashed = Buffer.alloc(Math.max(BUFFER_BYTES, 2 ** Math.ceil(Math.log2(blocks * 16))));
    Buffer.concat(this.#blocks).copy(hashed);
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeInt32BE(bytesPerCrc, 0);
    checksum.writeBigInt64BE(BigInt(crcsPerBlock), 4);
    createHash('md5').update(hashed).digest().copy(checksum, 12);
    // Of an empty file, HDFS names the other CRC, since it has seen none.
    const crc = blocks === 0 ? 'CRC32' : 'CRC32C';
    return {
      algorithm: `MD5-of-${crcsPerBlock}MD5-of-${bytesPerCrc}${crc}`,
      bytes: checksum.toString('hex'),
      length: CHECKSUM_BYTES,
    };
  }

  /** Takes the CRCs of what is in the scratch, which ends within a chunk only at the content's end. */
  #empty(): void {
    let crcs = 0;
    for (let at = 0; at < this.#filled; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, this.#filled - at);
      this.#crcs.writeUInt32BE(crc32c(this.#scratch.subarray(at, at + length)), crcs);
      crcs += 4;
      this.#inBlock += length;
      if (this.#inBlock < this.#blockSize) continue;
      this.#block.update(this.#crcs.subarray(0, crcs));
      crcs = 0;
      this.#endBlock();
    }
    this.#block.update(this.#crcs.subarray(0, crcs));
    this.#filled = 0;
  }

  #endBlock(): void {
    this.#blocks.push(this.#block.digest());
    this.#block = createHash('md5');
    this.#inBlock = 0;
  }
}
