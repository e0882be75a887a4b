import { connect } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

/** The size of the socket's read buffer, which is reused. */
const READ_BYTES = 1 << 18;
const KEEP_ALIVE_MS = 60_000;
const LENGTH_BYTES = 4;

/** Larger responses are passed on in chunks, without a buffer for the whole. */
const MAX_RESPONSE_BYTES = 1 << 26;

/** Responses of this size and more reuse buffers, whose sizes are multiples of it. */
const LARGE_RESPONSE_BYTES = 1 << 20;

/**
 * Reuses the buffers of large responses, so that they are not left to the garbage collector.
 */
export class ResponseMemory {
  readonly #free: Buffer[] = [];
  /** Allocated and not released; weak, so that a buffer that is never released can be collected. */
  readonly #inUse = new WeakSet<ArrayBufferLike>();

  /** Returns an uninitialised buffer. */
  allocate(bytes: number): Buffer {
    if (bytes < LARGE_RESPONSE_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const fitting = this.#free.findIndex((one) => one.length >= bytes);
    // If none is large enough, a new one replaces a free one.
    const [free] = this.#free.splice(Math.max(fitting, 0), 1);
    const memory =
      free !== undefined && free.length >= bytes
        ? free
        : Buffer.allocUnsafeSlow(Math.ceil(bytes / LARGE_RESPONSE_BYTES) * LARGE_RESPONSE_BYTES);
    this.#inUse.add(memory.buffer);
    return memory.subarray(0, bytes);
  }

  /**
   * Releases the buffer of a response for reuse.
   * @param part Any view on it. Other memory, and buffers already released, are ignored.
   */
  release(part: Buffer): void {
    if (this.#inUse.delete(part.buffer)) this.#free.push(Buffer.from(part.buffer));
  }
}

/**
 * Creates sockets that emit whole responses to kafkajs, which would otherwise collect chunks and concatenate (copy) them.
 * Not for TLS.
 */
export function completeResponses(memory: ResponseMemory): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const responses = new ResponseReader(memory, (response) => socket.emit('data', response));
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array): boolean => {
        responses.push(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        return true;
      },
    };
    const socket = connect({ host, port, onread }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return socket;
  };
}

/**
 * Assembles responses from the chunks of a socket. Format: https://kafka.apache.org/protocol#protocol_common
 *
 * | Response       | Type  | Bytes |                            |
 * | -------------- | ----- | ----: | -------------------------- |
 * | size           | INT32 |     4 | the bytes after this field |
 * | correlation_id | INT32 |     4 | not read here              |
 * | body           |       |     n | not read here              |
 */
export class ResponseReader {
  readonly #memory: ResponseMemory;
  readonly #onResponse: (bytes: Buffer) => void;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  #response: Buffer | undefined;
  #filled = 0;
  /** Whether chunks are passed on as they are: after a response above the maximum, or an invalid size. */
  #isPassThrough = false;

  /** @param onResponse Called with each whole response, size included. */
  constructor(memory: ResponseMemory, onResponse: (bytes: Buffer) => void) {
    this.#memory = memory;
    this.#onResponse = onResponse;
  }

  /** Accepts the next bytes; copies them, since their buffer is reused. */
  push(bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length;) offset = this.#consume(bytes, offset);
  }

  #consume(bytes: Buffer, offset: number): number {
    if (this.#isPassThrough) {
      this.#onResponse(Buffer.from(bytes.subarray(offset)));
      return bytes.length;
    }
    if (this.#response === undefined) return this.#readLength(bytes, offset);
    const copied = bytes.copy(this.#response, this.#filled, offset);
    this.#filled += copied;
    if (this.#filled === this.#response.length) {
      const whole = this.#response;
      this.#response = undefined;
      this.#onResponse(whole);
    }
    return offset + copied;
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
