/** What is used of the package snappyjs 0.7.0, which has no types. */
declare module 'snappyjs' {
  /**
   * Decompresses one block of raw Snappy.
   * @param maxLength It throws where the block says that it holds more bytes.
   */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
  export function compress(uncompressed: Buffer): Buffer;
}
