import { Readable } from 'node:stream';

const NOTHING: Buffer = Buffer.alloc(0);

/** Reads a stream of bytes with look-ahead, and counts the bytes that were consumed. */
export class ByteReader {
  /** Bytes consumed so far: the offset of the next one. */
  offset = 0;
  readonly #source: AsyncIterator<Buffer>;
  #ahead: Buffer = NOTHING;
  #isReading = false;
  #hasEnded = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Creates a reader of a buffer. */
  static of(bytes: Buffer): ByteReader {
    return new ByteReader(Readable.from([bytes]));
  }

  /** Consumes the bytes that are buffered, or else the source's next chunk; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const bytes = this.#ahead.length > 0 ? this.#ahead : await this.#readMore();
    this.#ahead = NOTHING;
    this.offset += bytes?.length ?? 0;
    return bytes;
  }

  /** Consumes exactly this many bytes; fewer only at the end. */
  async read(count: number): Promise<Buffer> {
    const bytes = (await this.peek(count)).subarray(0, count);
    this.#ahead = this.#ahead.subarray(bytes.length);
    this.offset += bytes.length;
    return bytes;
  }

  /** Returns at least this many of the next bytes without consuming them; fewer only at the end. */
  async peek(count: number): Promise<Buffer> {
    return this.peekUntil((bytes) => bytes.length >= count);
  }

  /** Returns the next bytes without consuming them, once `isEnough` accepts them or the source has ended. */
  async peekUntil(isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!isEnough(this.#ahead)) {
      const bytes = await this.#readMore();
      if (bytes === undefined) break;
      this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    }
    return this.#ahead;
  }

  /** Puts back the bytes that were consumed last. */
  unread(bytes: Buffer): void {
    this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([bytes, this.#ahead]);
    this.offset -= bytes.length;
  }

  /** Closes the source; does not wait for it while a read is under way, which can take long. */
  async close(): Promise<void> {
    const closed = this.#source.return?.();
    if (this.#isReading) closed?.catch(() => undefined);
    else await closed;
  }

  async #readMore(): Promise<Buffer | undefined> {
    while (!this.#hasEnded) {
      this.#isReading = true;
      const next = await this.#source.next().finally(() => {
        this.#isReading = false;
      });
      if (next.done === true) this.#hasEnded = true;
      else if (next.value.length > 0) return next.value;
    }
    return undefined;
  }
}
