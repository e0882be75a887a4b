import { closeSync, openSync, readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../model/errors.ts';
import { staged } from './staging.ts';

/**
 * Files of frames: each is its length as 4 bytes (unsigned, big-endian) and then that many bytes. Any byte
 * can stand in a frame, so a record needs no escaping, whatever a customer or producer sends.
 */
const LENGTH_BYTES = 4;
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
 * The frames of a file, in order, a few at a time so that a reader can let others run in between. Their memory is used
 * again: they are gone once the next are asked for.
 * @throws {PipelineError} STAGING_LOST when there is no such file, or it ends within a frame.
 */
export async function* readFrames(path: string): AsyncGenerator<Buffer[]> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const read = new ReadFrames(path);
    for (;;) {
      const { bytesRead } = await file.read(read.room, 0, read.room.length, null);
      if (bytesRead === 0) break;
      yield read.take(bytesRead);
    }
    read.end();
  } finally {
    await file.close();
  }
}

/** As {@link readFrames}, for whoever cannot wait. */
export function* readFramesSync(path: string): Generator<Buffer[], void, undefined> {
  const file = openNow(path);
  try {
    const read = new ReadFrames(path);
    for (;;) {
      const bytesRead = readSync(file, read.room, 0, read.room.length, null);
      if (bytesRead === 0) break;
      yield read.take(bytesRead);
    }
    read.end();
  } finally {
    closeSync(file);
  }
}

/** What was read of a file of frames, and is not taken yet. */
class ReadFrames {
  readonly #path: string;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #taken = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Where more of the file is read to. What was taken is overwritten. */
  get room(): Buffer {
    if (this.#taken > 0) {
      this.#buffer.copyWithin(0, this.#taken, this.#filled);
      this.#filled -= this.#taken;
      this.#taken = 0;
      this.#buffer = withRoom(this.#buffer, this.#filled);
    }
    return this.#buffer.subarray(this.#filled);
  }

  /** The frames that are whole now that so much more was read. */
  take(bytes: number): Buffer[] {
    this.#filled += bytes;
    const frames: Buffer[] = [];
    this.#taken = takeFrames(this.#buffer.subarray(0, this.#filled), frames);
    if (this.#taken === 0) this.#buffer = withRoom(this.#buffer, this.#filled);
    return frames;
  }

  /** @throws {PipelineError} STAGING_LOST when the file ended within a frame. */
  end(): void {
    if (this.#filled > this.#taken)
      throw new PipelineError('STAGING_LOST', `the staged file ${this.#path} ends within a frame`);
  }
}

/** Adds the whole frames of some bytes; returns where the rest begins. */
function takeFrames(bytes: Buffer, frames: Buffer[]): number {
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return at;
}

/** A buffer that begins with the same bytes and takes the frame that they begin. */
function withRoom(buffer: Buffer, filled: number): Buffer {
  const needed = filled < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + buffer.readUInt32BE();
  if (needed <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafeSlow(needed);
  buffer.copy(larger, 0, 0, filled);
  return larger;
}

function openNow(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): PipelineError {
  return new PipelineError('STAGING_LOST', `the staged file ${path} cannot be read`, { cause });
}
