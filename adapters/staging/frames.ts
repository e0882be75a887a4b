import { open, rm, type FileHandle } from 'node:fs/promises';
import { readLengthPrefixed, type LengthPrefix } from '../../lib/length-prefixed.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import { mapDiskFull } from './staging.ts';

/**
 * Files of length-prefixed frames: a 4-byte length (unsigned, big-endian), then the payload. Frames can contain any
 * bytes, so records need no escaping.
 */
const LENGTH_BYTES = 4;
const FRAMES: LengthPrefix = { lengthAt: 0, lengthFrom: LENGTH_BYTES, contentFrom: LENGTH_BYTES };
const BUFFER_BYTES = 1 << 20;

/** A buffered writer of a file of frames. All methods throw STAGING_FULL when the disk is full. */
export class FrameWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  /** Filled next, while the other buffer is written. */
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #written: Promise<void> = Promise.resolve();
  /** The number of frames written. */
  frames = 0;
  /** The file's size, including length prefixes. */
  bytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Creates a file, or truncates an existing one. */
  static async create(path: string): Promise<FrameWriter> {
    return new FrameWriter(path, await mapDiskFull(path, open(path, 'w', PRIVATE_FILE_MODE)));
  }

  /** Continues a file of whole frames, of this number and size. */
  static async continue(path: string, frames: number, bytes: number): Promise<FrameWriter> {
    const writer = new FrameWriter(path, await mapDiskFull(path, open(path, 'a', PRIVATE_FILE_MODE)));
    writer.frames = frames;
    writer.bytes = bytes;
    return writer;
  }

  /** Writes all frames to the operating system (no fsync). */
  async flush(): Promise<void> {
    await this.#flush();
    await this.#written;
  }

  /**
   * Appends a copy of a frame.
   * @returns A promise to await before the next frame; undefined if there is nothing to wait for.
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
    const start = this.#buffer.writeUInt32BE(frame.length, this.#filled);
    this.#filled = start + frame.copy(this.#buffer, start);
  }

  async #writeLarge(frame: Buffer): Promise<void> {
    await this.#flush();
    await this.#written;
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(frame.length);
    await mapDiskFull(this.#path, this.#file.appendFile(Buffer.concat([head, frame])));
  }

  /** Waits for the previous write, then starts to write the buffer. */
  async #flush(): Promise<void> {
    await this.#written;
    if (this.#filled === 0) return;
    const whole = this.#buffer.subarray(0, this.#filled);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#filled = 0;
    this.#written = mapDiskFull(this.#path, this.#file.appendFile(whole));
    // The next flush or close throws the error.
    this.#written.catch(() => undefined);
  }

  /** Flushes the buffer to the operating system (no fsync) and closes the file. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  /** Closes and deletes the file. */
  async discard(): Promise<void> {
    this.#filled = 0;
    await Promise.allSettled([this.#written]);
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/**
 * Reads the frames of a file in order, several per chunk; see {@link readLengthPrefixed}.
 * @throws {PipelineError} STAGING_LOST when the file is missing or ends within a frame.
 */
export function readFrames(path: string): AsyncGenerator<Buffer[]> {
  return readLengthPrefixed(path, FRAMES);
}
