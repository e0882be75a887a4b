/** Types of snappyjs 0.7.0, which has none. */
declare module 'snappyjs' {
  /**
   * Decompresses one block of raw Snappy.
   * @param maxLength Throws if the decompressed length in the block is greater.
   */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
  export function compress(uncompressed: Buffer): Buffer;
}
