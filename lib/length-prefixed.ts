import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { PipelineError } from '../model/errors.ts';

/** The layout of length-prefixed frames that follow one another. */
export interface LengthPrefix {
  /** The offset of the length field in a frame: 4 bytes, unsigned, big-endian. */
  readonly lengthAt: number;
  /** The offset in a frame from which the length counts. */
  readonly lengthFrom: number;
  /** The offset in a frame from which readers return it. */
  readonly contentFrom: number;
}

/** Does not follow a symbolic link in place of a staged file. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW;

const BUFFER_BYTES = 1 << 20;
const LENGTH_BYTES = 4;

/**
 * Reads the frames of a staged file, in order, several at a time. Their buffers are reused for the next ones.
 * @throws {PipelineError} STAGING_LOST if the file cannot be opened, or ends within a frame.
 */
export async function* readLengthPrefixed(path: string, framing: LengthPrefix): AsyncGenerator<Buffer[]> {
  const file = await open(path, READ).catch((cause: unknown) => {
    throw unreadableError(path, cause);
  });
  try {
    const read = new FrameBuffer(path, framing);
    for (;;) {
      const { bytesRead } = await file.read(read.room, 0, read.room.length, null);
      if (bytesRead === 0) break;
      yield read.accept(bytesRead);
    }
    read.end();
  } finally {
    await file.close();
  }
}

/** Reads the frames of a staged file as {@link readLengthPrefixed} does, but synchronously. */
export function* readLengthPrefixedSync(
  path: string,
  framing: LengthPrefix,
): Generator<Buffer[], void, undefined> {
  const file = openStaged(path);
  try {
    const read = new FrameBuffer(path, framing);
    for (;;) {
      const bytesRead = readSync(file, read.room, 0, read.room.length, null);
      if (bytesRead === 0) break;
      yield read.accept(bytesRead);
    }
    read.end();
  } finally {
    closeSync(file);
  }
}

/** Buffers the bytes of a file that are not returned as frames yet. */
class FrameBuffer {
  readonly #path: string;
  readonly #framing: LengthPrefix;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #consumed = 0;

  constructor(path: string, framing: LengthPrefix) {
    this.#path = path;
    this.#framing = framing;
  }

  /** The free part of the buffer; overwrites consumed frames. */
  get room(): Buffer {
    if (this.#consumed > 0) {
      this.#buffer.copyWithin(0, this.#consumed, this.#filled);
      this.#filled -= this.#consumed;
      this.#consumed = 0;
      this.#growToFrame();
    }
    return this.#buffer.subarray(this.#filled);
  }

  /** Returns the frames that are complete after `bytes` more were read into {@link room}. */
  accept(bytes: number): Buffer[] {
    this.#filled += bytes;
    const frames: Buffer[] = [];
    this.#consumed = splitLengthPrefixed(this.#buffer.subarray(0, this.#filled), this.#framing, frames);
    if (this.#consumed === 0) this.#growToFrame();
    return frames;
  }

  /** @throws {PipelineError} STAGING_LOST if the file ended within a frame. */
  end(): void {
    if (this.#filled > this.#consumed)
      throw new PipelineError('STAGING_LOST', `the staged file ${this.#path} ends within a frame`);
  }

  /** Grows the buffer to the size of the frame that it begins with. */
  #growToFrame(): void {
    const needed = frameLengthAt(this.#buffer.subarray(0, this.#filled), 0, this.#framing) ?? BUFFER_BYTES;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(needed);
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }
}

/** Appends the complete frames at the start of `bytes` to `frames`; returns the offset of the rest. */
export function splitLengthPrefixed(bytes: Buffer, framing: LengthPrefix, frames: Buffer[]): number {
  for (let offset = 0; ;) {
    const length = frameLengthAt(bytes, offset, framing);
    if (length === undefined || offset + length > bytes.length) return offset;
    frames.push(bytes.subarray(offset + framing.contentFrom, offset + length));
    offset += length;
  }
}

/** Returns the length of the frame at an offset; undefined if its length field is incomplete. */
function frameLengthAt(
  bytes: Buffer,
  offset: number,
  { lengthAt, lengthFrom }: LengthPrefix,
): number | undefined {
  const from = offset + lengthAt;
  return from + LENGTH_BYTES > bytes.length ? undefined : lengthFrom + bytes.readUInt32BE(from);
}

function openStaged(path: string): number {
  try {
    return openSync(path, READ);
  } catch (cause) {
    throw unreadableError(path, cause);
  }
}

function unreadableError(path: string, cause: unknown): PipelineError {
  return new PipelineError('STAGING_LOST', `the staged file ${path} cannot be read`, { cause });
}
