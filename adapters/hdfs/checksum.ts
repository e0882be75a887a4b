import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { withBody, type LocalSource } from './bodies.ts';
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
const CRC_BYTES = 4;
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
  readonly #kept = Buffer.alloc(CHUNK_BYTES);
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
    let at = 0;
    if (this.#filled > 0) {
      at = this.#keep(bytes);
      if (this.#filled < CHUNK_BYTES) return;
      this.#takeKept();
    }
    const end = bytes.length - ((bytes.length - at) % CHUNK_BYTES);
    this.#take(bytes.subarray(at, end));
    this.#keep(bytes.subarray(end));
  }

  digest(): FileChecksum {
    this.#takeKept();
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

  /** Keeps what does not fill a chunk until more comes; answers how much it took. */
  #keep(bytes: Buffer): number {
    const copied = bytes.copy(this.#kept, this.#filled);
    this.#filled += copied;
    return copied;
  }

  #takeKept(): void {
    this.#take(this.#kept.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** Takes the CRCs of whole chunks; only the content's end is a shorter one. */
  #take(bytes: Buffer): void {
    const crcs = Buffer.allocUnsafe(Math.ceil(bytes.length / CHUNK_BYTES) * CRC_BYTES);
    let from = 0;
    let to = 0;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      to = crcs.writeUInt32BE(crc32c(chunk), to);
      this.#inBlock += chunk.length;
      if (this.#inBlock < this.#blockSize) continue;
      this.#block.update(crcs.subarray(from, to));
      from = to;
      this.#endBlock();
    }
    this.#block.update(crcs.subarray(from, to));
  }

  #endBlock(): void {
    this.#blocks.push(this.#block.digest());
    this.#block = createHash('md5');
    this.#inBlock = 0;
  }
}
