/** Format: RFC 8878, section 3.1.1 */
const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const CHECKSUM_BYTES = 4;
const BLOCK_HEAD_BYTES = 3;
/** Bits of the frame header's descriptor. */
const SINGLE_SEGMENT = 1 << 5;
const CHECKSUM = 1 << 2;
/** Bytes of the dictionary id and of the content size, by two bits of the descriptor. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
/** The offset of a two-byte content size. */
const TWO_BYTES_FROM = 256;
const RLE = 1;
/** The window size that every decoder should support (section 3.1.1.1.2). */
const COMMON_WINDOW_BYTES = 8 << 20;

/**
 * Requires that bytes are exactly one zstd frame with a bounded window; a few bytes can request a window of 2 GiB. The
 * content can still exceed the limit if the frame does not declare its size.
 * @param maxBytes The maximum size of the content.
 * @throws {RangeError}
 */
export function requireZstdFrame(packed: Buffer, maxBytes: number): void {
  if (packed.length <= MAGIC_BYTES || packed.readUInt32LE(0) !== MAGIC)
    throw new RangeError('it is no frame of zstd');
  const descriptor = packed.readUInt8(MAGIC_BYTES);
  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  const sizeAt = MAGIC_BYTES + 1 + (isSingle ? 0 : 1) + bytesAt(DICTIONARY_ID_BYTES, descriptor & 3);
  const sizeBytes = bytesAt(CONTENT_SIZE_BYTES, descriptor >> 6) || (isSingle ? 1 : 0);
  const content = readUnsigned(packed, sizeAt, sizeBytes) + (sizeBytes === 2 ? TWO_BYTES_FROM : 0);
  const window = isSingle ? 0 : windowBytes(readUnsigned(packed, MAGIC_BYTES + 1, 1));
  if (content > maxBytes) throw new RangeError(`it says that it has ${content} bytes`);
  if (window > Math.max(maxBytes, COMMON_WINDOW_BYTES))
    throw new RangeError(`it needs ${window} bytes of window`);
  const end =
    findBlocksEnd(packed, sizeAt + sizeBytes) + ((descriptor & CHECKSUM) === 0 ? 0 : CHECKSUM_BYTES);
  if (end !== packed.length) throw new RangeError('it is not one frame of zstd');
}

/** Returns the end of the blocks that begin at an offset. */
function findBlocksEnd(packed: Buffer, from: number): number {
  for (let at = from; ;) {
    const head = readUnsigned(packed, at, BLOCK_HEAD_BYTES);
    at += BLOCK_HEAD_BYTES + (((head >> 1) & 3) === RLE ? 1 : head >> 3);
    if ((head & 1) === 1) return at;
  }
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function bytesAt(sizes: readonly number[], bits: number): number {
  return sizes[bits] ?? 0;
}

/** Reads a little-endian unsigned integer. */
function readUnsigned(bytes: Buffer, at: number, length: number): number {
  if (at + length > bytes.length) throw new RangeError('it is cut off');
  let number = 0;
  for (let byte = length - 1; byte >= 0; byte -= 1) number = number * 256 + bytes.readUInt8(at + byte);
  return number;
}
