import type { IncomingMessage } from 'node:http';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { shortened } from './statuses.ts';

/** Limits after which a download fails. */
export interface BodyTimeouts {
  /** The longest pause without a byte, in milliseconds. */
  readonly idleMs: number;
  /** Within each such time, in milliseconds, the average must reach `leastBytesPerSecond`. */
  readonly windowMs: number;
  readonly minBytesPerSecond: number;
}

/** The options of {@link readBody}. */
export interface BodyOptions {
  /** The source, for errors. */
  readonly subject: string;
  readonly timeouts: BodyTimeouts;
  /** The length that the headers declare; undefined if they declare none. */
  readonly promisedBytes: number | undefined;
}

/**
 * Streams the body of an answer. The first read starts immediately, so that bytes of a download that is cut early can
 * be kept for a resume.
 * @throws {PipelineError} SOURCE_UNREACHABLE when the body is truncated, stalls, or has another length than declared.
 */
export function readBody(answer: IncomingMessage, options: BodyOptions): AsyncGenerator<Buffer, void> {
  return startReading(receiveBody(answer, options));
}

/** Returns the error for a failed connection. */
export function unreachable(subject: string, cause: unknown): PipelineError {
  return new PipelineError('SOURCE_UNREACHABLE', `${subject}: ${shortened(messageOf(cause))}`, { cause });
}

function startReading<T>(chunks: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const first = chunks.next();
  // The error is thrown to the reader, by the first read.
  first.catch(() => undefined);
  return (async function* () {
    try {
      for (let chunk = await first; chunk.done !== true; chunk = await chunks.next()) yield chunk.value;
    } finally {
      await chunks.return();
    }
  })();
}

async function* receiveBody(answer: IncomingMessage, options: BodyOptions): AsyncGenerator<Buffer, void> {
  const { subject, promisedBytes } = options;
  const monitor = new RateMonitor(options);
  const chunks = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let received = 0;
  try {
    for (;;) {
      const chunk = await monitor.measure(chunks.next());
      if (chunk.done === true) break;
      received += chunk.value.length;
      if (received > (promisedBytes ?? received)) throw wrongLength(options, 'more');
      yield chunk.value;
      monitor.requireRate(chunk.value.length);
    }
  } catch (error) {
    throw error instanceof PipelineError ? error : unreachable(subject, error);
  } finally {
    answer.destroy();
  }
  if (received < (promisedBytes ?? received)) throw wrongLength(options, `${received}`);
}

/** Measures the rate of a download, counting only the time spent waiting for the server. */
class RateMonitor {
  readonly #options: BodyOptions;
  #waitedMs = 0;
  #bytes = 0;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  /** Awaits a promise and adds its time to the waiting time. */
  async measure<T>(work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work;
    } finally {
      this.#waitedMs += performance.now() - startedAt;
    }
  }

  /** @throws {PipelineError} SOURCE_UNREACHABLE when the rate of the last interval was too low. */
  requireRate(bytes: number): void {
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
