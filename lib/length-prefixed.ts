import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { PipelineError } from '../model/errors.ts';

/** How pieces stand in a file one after the other, each of which says how long it is. */
export interface LengthPrefix {
  /** Where in a piece its length stands: 4 bytes, unsigned, big-endian. */
  readonly lengthAt: number;
  /** From where in the piece that counts. */
  readonly lengthFrom: number;
  /** From where on a piece is given. */
  readonly contentFrom: number;
}

/** A link in place of a staged file is not followed. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW;

const BUFFER_BYTES = 1 << 20;
const LENGTH_BYTES = 4;

/**
 * The pieces of a file, in order, a few at a time so that a reader can let others run in between. Their memory is used
 * again: they are gone once the next are asked for.
 * @throws {PipelineError} STAGING_LOST when there is no such file, or it ends within a piece.
 */
export async function* readLengthPrefixed(path: string, framing: LengthPrefix): AsyncGenerator<Buffer[]> {
  const file = await open(path, READ).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const read = new FrameBuffer(path, framing);
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

/** As {@link readLengthPrefixed}, for whoever cannot wait. */
export function* readLengthPrefixedSync(
  path: string,
  framing: LengthPrefix,
): Generator<Buffer[], void, undefined> {
  const file = openNow(path);
  try {
    const read = new FrameBuffer(path, framing);
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

/** What was read of a file, and is not taken yet. */
class FrameBuffer {
  readonly #path: string;
  readonly #framing: LengthPrefix;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #taken = 0;

  constructor(path: string, framing: LengthPrefix) {
    this.#path = path;
    this.#framing = framing;
  }

  /** Where more of the file is read to. What was taken is overwritten. */
  get room(): Buffer {
    if (this.#taken > 0) {
      this.#buffer.copyWithin(0, this.#taken, this.#filled);
      this.#filled -= this.#taken;
      this.#taken = 0;
      this.#makeRoom();
    }
    return this.#buffer.subarray(this.#filled);
  }

  /** The pieces that are whole now that so much more was read. */
  take(bytes: number): Buffer[] {
    this.#filled += bytes;
    const pieces: Buffer[] = [];
    this.#taken = splitLengthPrefixed(this.#buffer.subarray(0, this.#filled), this.#framing, pieces);
    if (this.#taken === 0) this.#makeRoom();
    return pieces;
  }

  /** @throws {PipelineError} STAGING_LOST when the file ended within a piece. */
  end(): void {
    if (this.#filled > this.#taken)
      throw new PipelineError('STAGING_LOST', `the staged file ${this.#path} ends within a frame`);
  }

  /** Makes the buffer hold the piece that it begins with. */
  #makeRoom(): void {
    const needed = bytesOf(this.#buffer.subarray(0, this.#filled), 0, this.#framing) ?? BUFFER_BYTES;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(needed);
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }
}

/** Adds the whole pieces that some bytes begin with; returns where the rest begins. */
export function splitLengthPrefixed(bytes: Buffer, framing: LengthPrefix, pieces: Buffer[]): number {
  for (let at = 0; ;) {
    const length = bytesOf(bytes, at, framing);
    if (length === undefined || at + length > bytes.length) return at;
    pieces.push(bytes.subarray(at + framing.contentFrom, at + length));
    at += length;
  }
}

/** How long the piece is that begins there; undefined where that is not there to be read. */
function bytesOf(bytes: Buffer, at: number, { lengthAt, lengthFrom }: LengthPrefix): number | undefined {
  const from = at + lengthAt;
  return from + LENGTH_BYTES > bytes.length ? undefined : lengthFrom + bytes.readUInt32BE(from);
}

function openNow(path: string): number {
  try {
    return openSync(path, READ);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): PipelineError {
  return new PipelineError('STAGING_LOST', `the staged file ${path} cannot be read`, { cause });
}
