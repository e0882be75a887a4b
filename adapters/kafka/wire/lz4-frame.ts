/** Format: github.com/lz4/lz4, doc/lz4_Frame_format.md and doc/lz4_Block_format.md */
const MAGIC = 0x184d2204;
const MAGIC_BYTES = 4;
const SIZE_BYTES = 4;
const CONTENT_SIZE_BYTES = 8;
const CHECKSUM_BYTES = 4;
/** Bits of the frame's flags, and of a block's size. */
const FLAGS = {
  dictionary: 1,
  contentChecksum: 1 << 2,
  contentSize: 1 << 3,
  blockChecksums: 1 << 4,
} as const;
const UNCOMPRESSED = 0x80000000;
/** A part of a sequence that is as long as its four bits can say goes on in bytes, each up to 255. */
const EXTENDED_LENGTH = 15;
const MAX_BYTE = 255;
const OFFSET_BYTES = 2;
const MIN_MATCH = 4;

/** What a frame says of itself. */
export interface Lz4Frame {
  /** The first frame alone, as Kafka's own client reads it. */
  readonly frame: Buffer;
  /** The bytes of its content, counted as far as to the limit; more than that where there are more. */
  readonly contentBytes: number;
}

/**
 * Counts the bytes that a frame of lz4 takes decompressed, without decompressing it.
 * @param limit Where the counting ends.
 * @throws {RangeError} where it is no frame, or is cut off.
 */
export function measureLz4(compressed: Buffer, limit: number): Lz4Frame {
  if (compressed.length < MAGIC_BYTES || compressed.readUInt32LE(0) !== MAGIC)
    throw new RangeError('it is no frame of lz4');
  const flags = byteAt(compressed, MAGIC_BYTES);
  if ((flags & FLAGS.dictionary) !== 0) throw new RangeError('it needs a dictionary');
  let at = MAGIC_BYTES + 2;
  if ((flags & FLAGS.contentSize) !== 0) {
    requireBytes(compressed, at + CONTENT_SIZE_BYTES);
    const announced = Number(compressed.readBigUInt64LE(at));
    if (announced > limit) return { frame: compressed, contentBytes: announced };
    at += CONTENT_SIZE_BYTES;
  }
  at += 1; // the head's checksum
  let contentBytes = 0;
  for (;;) {
    requireBytes(compressed, at + SIZE_BYTES);
    const size = compressed.readUInt32LE(at);
    at += SIZE_BYTES;
    if (size === 0) break;
    const bytes = size & ~UNCOMPRESSED;
    requireBytes(compressed, at + bytes);
    const block = compressed.subarray(at, at + bytes);
    contentBytes += (size & UNCOMPRESSED) === 0 ? countBlockContent(block, limit - contentBytes) : bytes;
    if (contentBytes > limit) return { frame: compressed, contentBytes };
    at += bytes + ((flags & FLAGS.blockChecksums) === 0 ? 0 : CHECKSUM_BYTES);
  }
  const end = at + ((flags & FLAGS.contentChecksum) === 0 ? 0 : CHECKSUM_BYTES);
  requireBytes(compressed, end);
  return { frame: compressed.subarray(0, end), contentBytes };
}

/** The bytes that the sequences of a block make. */
function countBlockContent(block: Buffer, limit: number): number {
  let content = 0;
  let at = 0;
  /** A length of four bits, and what follows where these are all set. */
  const lengthOf = (bits: number): number => {
    let length = bits;
    for (let byte = bits === EXTENDED_LENGTH ? MAX_BYTE : 0; byte === MAX_BYTE; length += byte)
      byte = byteAt(block, at++);
    return length;
  };
  while (at < block.length && content <= limit) {
    const token = byteAt(block, at++);
    const literals = lengthOf(token >>> 4);
    content += literals;
    at += literals;
    requireBytes(block, at);
    // The last sequence is of literals alone.
    if (at === block.length) break;
    at += OFFSET_BYTES;
    content += lengthOf(token & EXTENDED_LENGTH) + MIN_MATCH;
  }
  return content;
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('it is cut off');
  return byte;
}

function requireBytes({ length }: Buffer, bytes: number): void {
  if (length < bytes) throw new RangeError('it is cut off');
}
