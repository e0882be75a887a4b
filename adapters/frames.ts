import { open, rm, type FileHandle } from 'node:fs/promises';
import { readPieces, type Framing } from './pieces.ts';
import { staged } from './staging.ts';

/**
 * Files of frames: each is its length as 4 bytes (unsigned, big-endian) and then that many bytes. Any byte
 * can stand in a frame, so a record needs no escaping, whatever a customer or producer sends.
 */
const LENGTH_BYTES = 4;
const FRAMES: Framing = { lengthAt: 0, lengthFrom: LENGTH_BYTES, givenFrom: LENGTH_BYTES };
const BUFFER_BYTES = 1 << 20;

/** Writes a file of frames, buffered. Where the disk is full, its methods fail with STAGING_FULL. */
export class FrameWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  #buffer: Buffer;
  #filled = 0;
  /** Is filled next, while the other is written. */
  #spare: Buffer;
  #written: Promise<void> = Promise.resolve();
  /** Frames written. */
  frames = 0;
  /** Bytes of the file, lengths included. */
  bytes = 0;

  private constructor(path: string, file: FileHandle, bufferBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
    this.#spare = Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Begins a new file, in place of one of that name. */
  static async create(path: string, bufferBytes = BUFFER_BYTES): Promise<FrameWriter> {
    return new FrameWriter(path, await staged(path, open(path, 'w')), bufferBytes);
  }

  /**
   * Adds one frame, given in parts, which are copied.
   * @returns What is to be waited for before the next one; mostly nothing.
   */
  write(...parts: readonly Buffer[]): Promise<void> | undefined {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = LENGTH_BYTES + length;
    this.bytes += bytes;
    this.frames += 1;
    if (bytes > this.#buffer.length) return this.#writeLarge(length, parts);
    if (bytes <= this.#buffer.length - this.#filled) {
      this.#fill(length, parts);
      return undefined;
    }
    return this.#flush().then(() => {
      this.#fill(length, parts);
    });
  }

  #fill(length: number, parts: readonly Buffer[]): void {
    let at = this.#buffer.writeUInt32BE(length, this.#filled);
    for (const part of parts) at += part.copy(this.#buffer, at);
    this.#filled = at;
  }

  async #writeLarge(length: number, parts: readonly Buffer[]): Promise<void> {
    await this.#flush();
    await this.#written;
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(length);
    await staged(this.#path, this.#file.appendFile(Buffer.concat([head, ...parts])));
  }

  /** Begins to write what is buffered, once what was before is written. */
  async #flush(): Promise<void> {
    await this.#written;
    if (this.#filled === 0) return;
    const whole = this.#buffer.subarray(0, this.#filled);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#filled = 0;
    this.#written = staged(this.#path, this.#file.appendFile(whole));
    // Whoever flushes next hears of it, or closes.
    this.#written.catch(() => undefined);
  }

  /** Ends the file; its bytes are with the operating system afterwards. */
  async close(): Promise<void> {
    try {
      await this.#flush();
      await this.#written;
    } finally {
      await this.#file.close();
    }
  }

  /** Ends the file and removes it, whatever of it was written. */
  async discard(): Promise<void> {
    this.#filled = 0;
    await Promise.allSettled([this.#written]);
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/**
 * The frames of a file, in order, a few at a time; see {@link readPieces}.
 * @throws {PipelineError} STAGING_LOST when there is no such file, or it ends within a frame.
 */
export function readFrames(path: string): AsyncGenerator<Buffer[]> {
  return readPieces(path, FRAMES);
}
