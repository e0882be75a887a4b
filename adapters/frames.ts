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
  readonly #buffer: Buffer;
  #filled = 0;
  /** Frames written. */
  frames = 0;
  /** Bytes of the file, lengths included. */
  bytes = 0;

  private constructor(path: string, file: FileHandle, bufferBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Begins a new file, in place of one of that name. */
  static async create(path: string, bufferBytes = BUFFER_BYTES): Promise<FrameWriter> {
    return new FrameWriter(path, await staged(path, open(path, 'w')), bufferBytes);
  }

  /** Adds one frame, given in parts, which are copied. */
  async write(...parts: readonly Buffer[]): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = LENGTH_BYTES + length;
    if (bytes > this.#buffer.length - this.#filled) await this.#flush();
    if (bytes > this.#buffer.length) {
      const head = Buffer.allocUnsafe(LENGTH_BYTES);
      head.writeUInt32BE(length);
      await staged(this.#path, this.#file.appendFile(Buffer.concat([head, ...parts])));
    } else {
      let at = this.#buffer.writeUInt32BE(length, this.#filled);
      for (const part of parts) at += part.copy(this.#buffer, at);
      this.#filled = at;
    }
    this.bytes += bytes;
    this.frames += 1;
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const whole = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    await staged(this.#path, this.#file.appendFile(whole));
  }

  /** Ends the file; its bytes are with the operating system afterwards. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  /** Ends the file and removes it, whatever of it was written. */
  async discard(): Promise<void> {
    this.#filled = 0;
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/**
 * The frames of a file, in order, a few at a time so that a reader can let others run in between.
 * @throws {PipelineError} STAGING_LOST when there is no such file, or it ends within a frame.
 */
export async function* readFrames(path: string): AsyncGenerator<Buffer[]> {
  const file = await openStaged(path);
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const need = rest.length >= LENGTH_BYTES ? rest.readUInt32BE() + LENGTH_BYTES : LENGTH_BYTES;
      const more = await readMore(file, Math.max(BUFFER_BYTES, need - rest.length));
      if (more.length === 0) break;
      rest = rest.length === 0 ? more : Buffer.concat([rest, more]);
      const frames: Buffer[] = [];
      rest = takeFrames(rest, frames);
      if (frames.length > 0) yield frames;
    }
    if (rest.length > 0)
      throw new PipelineError('STAGING_LOST', `the staged file ${path} ends within a frame`);
  } finally {
    await file.close();
  }
}

function takeFrames(bytes: Buffer, frames: Buffer[]): Buffer {
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length) {
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return bytes.subarray(at);
}

async function readMore(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, null);
  return buffer.subarray(0, bytesRead);
}

async function openStaged(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new PipelineError('STAGING_LOST', `the staged file ${path} cannot be read`, { cause });
  }
}
