import type { IncomingMessage } from 'node:http';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { shortened } from './statuses.ts';

/** When a server is taken for gone. */
export interface BodyTimeouts {
  /** The longest pause without a byte, in milliseconds. */
  readonly idleMs: number;
  /** Within each such time, in milliseconds, the average must reach `leastBytesPerSecond`. */
  readonly windowMs: number;
  readonly minBytesPerSecond: number;
}

/** A body and what is known of it before it arrives. */
export interface BodyOptions {
  /** The source, for messages. */
  readonly subject: string;
  readonly timeouts: BodyTimeouts;
  /** How many bytes the answer's headers promise; undefined where they don't say. */
  readonly promisedBytes: number | undefined;
}

/**
 * The body of an answer, whose first bytes are read at once: when the connection is cut early, the next try can go on
 * from them.
 * @throws {PipelineError} SOURCE_UNREACHABLE when it is cut, stalls, or has another length than promised.
 */
export function readBody(answer: IncomingMessage, options: BodyOptions): AsyncGenerator<Buffer, void> {
  return begun(bodyOf(answer, options));
}

/** The error of a connection that failed. */
export function unreachable(subject: string, cause: unknown): PipelineError {
  return new PipelineError('SOURCE_UNREACHABLE', `${subject}: ${shortened(messageOf(cause))}`, { cause });
}

function begun<T>(pieces: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const first = pieces.next();
  // The reader gets the error when it asks for the first piece.
  first.catch(() => undefined);
  return (async function* () {
    try {
      for (let piece = await first; piece.done !== true; piece = await pieces.next()) yield piece.value;
    } finally {
      await pieces.return();
    }
  })();
}

async function* bodyOf(answer: IncomingMessage, options: BodyOptions): AsyncGenerator<Buffer, void> {
  const { subject, promisedBytes } = options;
  const pace = new Pace(options);
  const pieces = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let received = 0;
  try {
    for (;;) {
      const piece = await pace.timed(pieces.next());
      if (piece.done === true) break;
      received += piece.value.length;
      if (received > (promisedBytes ?? received)) throw wrongLength(options, 'more');
      yield piece.value;
      pace.require(piece.value.length);
    }
  } catch (error) {
    throw error instanceof PipelineError ? error : unreachable(subject, error);
  } finally {
    answer.destroy();
  }
  if (received < (promisedBytes ?? received)) throw wrongLength(options, `${received}`);
}

/** Watches how fast bytes arrive, by the time in which they were waited for. */
class Pace {
  readonly #options: BodyOptions;
  #waitedMs = 0;
  #bytes = 0;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  /** Waits for something; the time counts as the server's. */
  async timed<T>(work: Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work;
    } finally {
      this.#waitedMs += performance.now() - began;
    }
  }

  /** @throws {PipelineError} SOURCE_UNREACHABLE when too few bytes arrived in the time that is over. */
  require(bytes: number): void {
    const { subject, timeouts } = this.#options;
    this.#bytes += bytes;
    const waitedMs = this.#waitedMs;
    if (waitedMs < timeouts.windowMs) return;
    if (this.#bytes < (timeouts.minBytesPerSecond * waitedMs) / 1000) {
      const seconds = Math.round(waitedMs / 1000);
      throw new PipelineError(
        'SOURCE_UNREACHABLE',
        `${subject}: the server sent only ${this.#bytes} bytes in ${seconds} s`,
      );
    }
    [this.#waitedMs, this.#bytes] = [0, 0];
  }
}

function wrongLength({ subject, promisedBytes = 0 }: BodyOptions, sent: string): PipelineError {
  return new PipelineError(
    'SOURCE_UNREACHABLE',
    `${subject}: the server promised ${promisedBytes} bytes and sent ${sent}`,
  );
}
