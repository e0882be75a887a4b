import { open, rm, type FileHandle } from 'node:fs/promises';
import { readLengthPrefixed, type LengthPrefix } from '../../lib/length-prefixed.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import { mapDiskFull } from './staging.ts';

/**
 * Files of frames: each is its length as 4 bytes (unsigned, big-endian) and then that many bytes. Any byte
 * can stand in a frame, so a record needs no escaping, whatever a customer or producer sends.
 */
const LENGTH_BYTES = 4;
const FRAMES: LengthPrefix = { lengthAt: 0, lengthFrom: LENGTH_BYTES, givenFrom: LENGTH_BYTES };
const BUFFER_BYTES = 1 << 20;

/** Writes a file of frames, buffered. Where the disk is full, its methods fail with STAGING_FULL. */
export class FrameWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  /** Is filled next, while the other is written. */
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #written: Promise<void> = Promise.resolve();
  /** Frames written. */
  frames = 0;
  /** Bytes of the file, lengths included. */
  bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Begins a new file, in place of one of that name. */
  static async create(path: string): Promise<FrameWriter> {
    return new FrameWriter(path, await mapDiskFull(path, open(path, 'w', PRIVATE_FILE_MODE)));
  }

  /**
   * Adds one frame, which is copied.
   * @returns What is to be waited for before the next one; mostly nothing.
   */
  write(frame: Buffer): Promise<void> | undefined {
    const bytes = LENGTH_BYTES + frame.length;
    this.bytes += bytes;
    this.frames += 1;
    if (bytes > this.#buffer.length) return this.#writeLarge(frame);
    if (bytes <= this.#buffer.length - this.#filled) {
      this.#fill(frame);
      return undefined;
    }
    return this.#flush().then(() => {
      this.#fill(frame);
    });
  }

  #fill(frame: Buffer): void {
    const at = this.#buffer.writeUInt32BE(frame.length, this.#filled);
    this.#filled = at + frame.copy(this.#buffer, at);
  }

  async #writeLarge(frame: Buffer): Promise<void> {
    await this.#flush();
    await this.#written;
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(frame.length);
    await mapDiskFull(this.#path, this.#file.appendFile(Buffer.concat([head, frame])));
  }

  /** Begins to write what is buffered, once what was before is written. */
  async #flush(): Promise<void> {
    await this.#written;
    if (this.#filled === 0) return;
    const whole = this.#buffer.subarray(0, this.#filled);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#filled = 0;
    this.#written = mapDiskFull(this.#path, this.#file.appendFile(whole));
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
 * The frames of a file, in order, a few at a time; see {@link readLengthPrefixed}.
 * @throws {PipelineError} STAGING_LOST when there is no such file, or it ends within a frame.
 */
export function readFrames(path: string): AsyncGenerator<Buffer[]> {
  return readLengthPrefixed(path, FRAMES);
}
