/**
 * Formats: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and lz4_Block_format.md; little-endian.
 *
 * | Frame            | Bytes |                                                            |
 * | ---------------- | ----: | ---------------------------------------------------------- |
 * | magic            |     4 | 0x184d2204                                                 |
 * | FLG              |     1 | see {@link FLAGS}                                          |
 * | BD               |     1 | maximum block size; not read                               |
 * | content_size     |   0/8 | if FLG.contentSize                                         |
 * | header_checksum  |     1 | not verified here                                          |
 * | block, repeated  |       |                                                            |
 * | – size           |     4 | 0: end mark; highest bit: the block is not compressed      |
 * | – data           |     n |                                                            |
 * | – checksum       |   0/4 | if FLG.blockChecksums; not verified here                   |
 * | content_checksum |   0/4 | if FLG.contentChecksum; not verified here                  |
 *
 * | Sequence of a block  | Bytes |                                                     |
 * | -------------------- | ----: | --------------------------------------------------- |
 * | token                |     1 | 4 bits literal length, 4 bits match length minus 4  |
 * | more literal length  |    0+ | if 15: bytes are added until one is below 255       |
 * | literals             |     n |                                                     |
 * | match offset         |     2 | missing in the last sequence                        |
 * | more match length    |    0+ | if 15, likewise                                     |
 */
const MAGIC = 0x184d2204;
const MAGIC_BYTES = 4;
const SIZE_BYTES = 4;
const CONTENT_SIZE_BYTES = 8;
const CHECKSUM_BYTES = 4;
/** Bits of FLG. */
const FLAGS = {
  dictionary: 1,
  contentChecksum: 1 << 2,
  contentSize: 1 << 3,
  blockChecksums: 1 << 4,
} as const;
/** The bit of a block's size for an uncompressed block. */
const UNCOMPRESSED = 0x80000000;
/** A 4-bit length of this value continues in bytes, up to the first one below MAX_BYTE. */
const EXTENDED_LENGTH = 15;
const MAX_BYTE = 255;
const OFFSET_BYTES = 2;
const MIN_MATCH = 4;

/** A frame and its decompressed size. */
export interface Lz4Frame {
  /** The first frame; bytes after it are ignored, as the Java client does. */
  readonly frame: Buffer;
  /** The decompressed size in bytes; above the limit, any number greater than it. */
  readonly contentBytes: number;
}

/**
 * Returns the decompressed size of an LZ4 frame, without decompressing it.
 * @param limit The size in bytes at which counting stops.
 * @throws {RangeError} if the bytes are not a frame, or it is truncated.
 */
export function measureLz4(compressed: Buffer, limit: number): Lz4Frame {
  if (compressed.length < MAGIC_BYTES || compressed.readUInt32LE(0) !== MAGIC)
    throw new RangeError('it is not an LZ4 frame');
  const flags = byteAt(compressed, MAGIC_BYTES);
  if ((flags & FLAGS.dictionary) !== 0) throw new RangeError('it needs a dictionary');
  let offset = MAGIC_BYTES + 2;
  if ((flags & FLAGS.contentSize) !== 0) {
    requireBytes(compressed, offset + CONTENT_SIZE_BYTES);
    const contentSize = Number(compressed.readBigUInt64LE(offset));
    if (contentSize > limit) return { frame: compressed, contentBytes: contentSize };
    offset += CONTENT_SIZE_BYTES;
  }
  offset += 1; // header checksum
  let contentBytes = 0;
  for (;;) {
    requireBytes(compressed, offset + SIZE_BYTES);
    const size = compressed.readUInt32LE(offset);
    offset += SIZE_BYTES;
    if (size === 0) break;
    const bytes = size & ~UNCOMPRESSED;
    requireBytes(compressed, offset + bytes);
    const block = compressed.subarray(offset, offset + bytes);
    contentBytes += (size & UNCOMPRESSED) === 0 ? countBlockContent(block, limit - contentBytes) : bytes;
    if (contentBytes > limit) return { frame: compressed, contentBytes };
    offset += bytes + ((flags & FLAGS.blockChecksums) === 0 ? 0 : CHECKSUM_BYTES);
  }
  const end = offset + ((flags & FLAGS.contentChecksum) === 0 ? 0 : CHECKSUM_BYTES);
  requireBytes(compressed, end);
  return { frame: compressed.subarray(0, end), contentBytes };
}

/** Returns the decompressed size of a block. */
function countBlockContent(block: Buffer, limit: number): number {
  let content = 0;
  let offset = 0;
  /** Returns a length from its 4 bits and the bytes that continue it. */
  const readLength = (bits: number): number => {
    let length = bits;
    for (let byte = bits === EXTENDED_LENGTH ? MAX_BYTE : 0; byte === MAX_BYTE; length += byte)
      byte = byteAt(block, offset++);
    return length;
  };
  while (offset < block.length && content <= limit) {
    const token = byteAt(block, offset++);
    const literals = readLength(token >>> 4);
    content += literals;
    offset += literals;
    requireBytes(block, offset);
    // The last sequence has literals only.
    if (offset === block.length) break;
    offset += OFFSET_BYTES;
    content += readLength(token & EXTENDED_LENGTH) + MIN_MATCH;
  }
  return content;
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new RangeError('it is cut off');
  return byte;
}

function requireBytes({ length }: Buffer, bytes: number): void {
  if (length < bytes) throw new RangeError('it is cut off');
}
