import { connect } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

/** What is read of the socket at once, into memory that is used again for the next time. */
const READ_BYTES = 1 << 18;
const KEEP_ALIVE_MS = 60_000;
const LENGTH_BYTES = 4;

/** Memory is not made ready for an answer of more than this; that is put together as it comes. */
const MAX_RESPONSE_BYTES = 1 << 26;

/** From so many bytes on an answer gets memory that another had; it is made in steps, since no two are of one length. */
const LARGE_RESPONSE_BYTES = 1 << 20;

/**
 * The memory of large answers, which is taken again for others once it is given back. What is let go of instead has
 * the garbage collected, and all that lives searched through, each few answers.
 */
export class ResponseMemory {
  readonly #free: Buffer[] = [];
  /** What was taken and not given back, as far as somebody holds it still. */
  readonly #inUse = new WeakSet<ArrayBufferLike>();

  /** So many bytes, whose content is what it is. */
  allocate(bytes: number): Buffer {
    if (bytes < LARGE_RESPONSE_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const fitting = this.#free.findIndex((one) => one.length >= bytes);
    // Where none fits, a larger one takes the place of one that is free.
    const [free] = this.#free.splice(Math.max(fitting, 0), 1);
    const memory =
      free !== undefined && free.length >= bytes
        ? free
        : Buffer.allocUnsafeSlow(Math.ceil(bytes / LARGE_RESPONSE_BYTES) * LARGE_RESPONSE_BYTES);
    this.#inUse.add(memory.buffer);
    return memory.subarray(0, bytes);
  }

  /**
   * Lets the memory of an answer be taken again.
   * @param part Any part of it. What is of other memory, or was given back already, is let be.
   */
  release(part: Buffer): void {
    if (this.#inUse.delete(part.buffer)) this.#free.push(Buffer.from(part.buffer));
  }
}

/**
 * Connects as the client does itself, but hands it whole answers. Of many megabytes that are read, it would have
 * memory made for each 64 KiB and once more for the whole. Not for TLS.
 */
export function completeResponses(memory: ResponseMemory): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const answers = new ResponseReader(memory, (answer) => socket.emit('data', answer));
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        answers.push(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        return true;
      },
    };
    const socket = connect({ host, port, onread }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return socket;
  };
}

/** Puts answers together, each of which begins with its length in four bytes. */
export class ResponseReader {
  readonly #memory: ResponseMemory;
  readonly #onResponse: (bytes: Buffer) => void;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  #response: Buffer | undefined;
  #filled = 0;
  /** Whether what comes is no answer that memory was made ready for; it is given as it comes then. */
  #isPassThrough = false;

  /** @param give Takes each whole answer, its length included. */
  constructor(memory: ResponseMemory, give: (bytes: Buffer) => void) {
    this.#memory = memory;
    this.#onResponse = give;
  }

  /** Takes the next bytes, which are used again afterwards. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at = this.#consume(bytes, at);
  }

  #consume(bytes: Buffer, at: number): number {
    if (this.#isPassThrough) {
      this.#onResponse(Buffer.from(bytes.subarray(at)));
      return bytes.length;
    }
    if (this.#response === undefined) return this.#readLength(bytes, at);
    const copied = bytes.copy(this.#response, this.#filled, at);
    this.#filled += copied;
    if (this.#filled === this.#response.length) {
      const whole = this.#response;
      this.#response = undefined;
      this.#onResponse(whole);
    }
    return at + copied;
  }

  #readLength(bytes: Buffer, from: number): number {
    const copied = bytes.copy(this.#length, this.#lengthFilled, from);
    this.#lengthFilled += copied;
    if (this.#lengthFilled < LENGTH_BYTES) return from + copied;
    this.#lengthFilled = 0;
    const length = this.#length.readInt32BE();
    if (length > 0 && length <= MAX_RESPONSE_BYTES) {
      this.#response = this.#memory.allocate(LENGTH_BYTES + length);
      this.#filled = this.#length.copy(this.#response);
    } else {
      this.#isPassThrough = true;
      this.#onResponse(Buffer.from(this.#length));
    }
    return from + copied;
  }
}
