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

  /** A reader of these bytes alone. */
  static of(bytes: Buffer): ByteReader {
    return new ByteReader(Readable.from([bytes]));
  }

  /** Consumes the next bytes, as many as are at hand; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const bytes = this.#ahead.length > 0 ? this.#ahead : await this.#more();
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

  /** Returns at least the requested number of the next bytes without consuming them, or all up to the end. */
  async peekUntil(isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!isEnough(this.#ahead)) {
      const bytes = await this.#more();
      if (bytes === undefined) break;
      this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    }
    return this.#ahead;
  }

  /** Puts back bytes that were consumed last. */
  unread(bytes: Buffer): void {
    this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([bytes, this.#ahead]);
    this.offset -= bytes.length;
  }

  /** Ends the source. One that is about to give bytes, which can take long, is not waited for. */
  async close(): Promise<void> {
    const closed = this.#source.return?.();
    if (this.#isReading) closed?.catch(() => undefined);
    else await closed;
  }

  async #more(): Promise<Buffer | undefined> {
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
