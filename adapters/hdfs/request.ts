import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { messageOf, PipelineError } from '../../model/errors.ts';
import { CROSS_SITE_HEADER } from './access.ts';
import type { TlsMaterial } from '../net/tls.ts';
import { connectionFor, type Agents } from './connections.ts';
import {
  answerError,
  connectionError,
  HdfsError,
  timeoutError,
  unexpectedAnswer,
  tooLarge,
  type RequestStep,
} from './errors.ts';
import { ExchangeTimers, type Timeouts } from './timeouts.ts';

/** A request body. */
export interface Body {
  readonly bytes: number;
  /** Returns the content from its start; called again for a retry. Chunks share one buffer. */
  chunks(): AsyncIterable<Buffer>;
}

/** One request and the expected answer. */
export interface ExchangeOptions {
  readonly step: RequestStep;
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The status of a success. */
  readonly expect: number;
  readonly body?: Body | undefined;
  /** The sink for the answer's body; without it the body is returned. */
  readonly receive?: ((chunk: Buffer) => Promise<void>) | undefined;
  /** The maximum size of a returned body in bytes; default 16 MiB. */
  readonly bodyLimit?: number | undefined;
  /** Connection pools; undefined opens a new connection for this exchange alone. */
  readonly agents?: Agents | undefined;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
  readonly signal?: AbortSignal | undefined;
}

/** A complete answer with the expected status. */
export interface HdfsResponse {
  readonly status: number;
  readonly location: string | undefined;
  /** Empty if `receive` got the body. */
  readonly body: Buffer;
  /** The body's length in bytes. */
  readonly bytes: number;
}

const DEFAULT_BODY_LIMIT = 16 * 2 ** 20;
const MAX_ERROR_BYTES = 2 ** 16;

/**
 * Executes one exchange. A pooled connection that turns out to be dead is replaced once by a new one, so pass `agents`
 * only for idempotent requests.
 * @throws {HdfsError} For a timeout, and for any answer but a complete one with the expected status.
 * @throws Errors of the body or of `receive`, and the signal's reason when it is aborted.
 */
export async function exchange(options: ExchangeOptions): Promise<HdfsResponse> {
  const first = new RunningExchange(options);
  try {
    return await first.run();
  } catch (thrown) {
    if (!first.foundDeadConnection) throw thrown;
  }
  return new RunningExchange({ ...options, agents: undefined }).run();
}

/** The state of one exchange: it ends with a complete answer, or destroys the connection and throws the first error. */
class RunningExchange {
  readonly #options: ExchangeOptions;
  readonly #request: ClientRequest;
  readonly #timers: ExchangeTimers;
  #response: IncomingMessage | undefined;
  #error: Error | undefined;
  /** Whether the server may have received the request. */
  #sent = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: ExchangeOptions) {
    options.signal?.throwIfAborted();
    this.#options = options;
    const open = options.url.protocol === 'https:' ? httpsRequest : httpRequest;
    this.#request = open(options.url, {
      method: options.method,
      ...connectionFor(options.url, options.agents, options.tls),
      headers: {
        ...CROSS_SITE_HEADER,
        ...options.headers,
        ...(options.method === 'GET' ? {} : { 'Content-Length': options.body?.bytes ?? 0 }),
      },
    });
    this.#timers = new ExchangeTimers(options.timeouts, (late, limitMs) => {
      this.#fail(timeoutError(options.step, late, limitMs, this.#sent));
    });
    this.#timers.startDeadline(options.body?.bytes ?? 0);
  }

  /** Whether the only cause was a pooled connection that the server had closed. */
  get foundDeadConnection(): boolean {
    return this.#request.reusedSocket && this.#response === undefined && this.#error === undefined;
  }

  async run(): Promise<HdfsResponse> {
    const { signal, step } = this.#options;
    const onAbort = (): void => {
      this.#request.destroy();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#receive(await this.#sendRequest());
    } catch (thrown) {
      signal?.throwIfAborted();
      throw this.#error ?? (thrown instanceof HdfsError ? thrown : connectionError(step, thrown, this.#sent));
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#timers.stop();
      if (this.#response?.complete !== true || !this.#request.writableFinished) this.#request.destroy();
      await this.#sending;
    }
  }

  /** Sends the request and waits for the answer's headers, which can arrive before the whole body is sent. */
  #sendRequest(): Promise<IncomingMessage> {
    const request = this.#request;
    const { body } = this.#options;
    return new Promise((resolve, reject) => {
      // Never removed: a late socket error must not crash the process.
      request.on('error', reject);
      request.once('socket', (socket) => {
        this.#watchConnect(socket);
      });
      request.once('response', (response) => {
        this.#response = response;
        resolve(response);
      });
      if (body === undefined) request.end();
      else this.#sending = this.#send(body);
    });
  }

  #watchConnect(socket: Socket): void {
    const connected = (): void => {
      this.#sent = true;
      this.#timers.startPhase(this.#request.writableEnded ? 'answer' : 'send');
    };
    if (!socket.connecting) {
      connected();
      return;
    }
    this.#timers.startPhase('connect');
    socket.once(this.#options.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  }

  /** Never rejects: an error here fails the exchange. The timer is paused while a chunk is produced. */
  async #send(body: Body): Promise<void> {
    try {
      for await (const chunk of body.chunks()) {
        if (this.#sendingIsOver()) return;
        if (this.#sent) this.#timers.startPhase('send');
        await new Promise<void>((resolve) => {
          this.#request.write(chunk, () => {
            resolve();
          });
        });
        // The answer has its own timer.
        if (this.#sendingIsOver()) return;
        this.#timers.pausePhase();
      }
      this.#request.end();
      if (this.#sent) this.#timers.startPhase('answer');
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #sendingIsOver(): boolean {
    return this.#request.destroyed || this.#response !== undefined;
  }

  async #receive(response: IncomingMessage): Promise<HdfsResponse> {
    const { step } = this.#options;
    const status = await this.#requireExpectedStatus(response);
    const declared = declaredLength(response);
    if (declared === undefined)
      throw unexpectedAnswer(step, status, 'it has neither Content-Length nor chunked encoding');
    this.#timers.startDeadline(declared === 'chunked' ? 0 : declared);
    const { body, bytes } = await this.#receiveBody(response);
    if (!response.complete || (declared !== 'chunked' && declared !== bytes)) {
      throw unexpectedAnswer(step, status, `its body was truncated after ${bytes} bytes`);
    }
    return { status, location: response.headers.location, body, bytes };
  }

  async #requireExpectedStatus(response: IncomingMessage): Promise<number> {
    const { step, expect } = this.#options;
    const status = response.statusCode ?? 0;
    if (status === expect) return status;
    const challenge = response.headers['www-authenticate'];
    throw answerError(step, status, await this.#beginning(response), challenge);
  }

  /** Passes the body to `receive`, or returns it; either way with its length. */
  async #receiveBody(response: IncomingMessage): Promise<Pick<HdfsResponse, 'body' | 'bytes'>> {
    const { step, receive, bodyLimit = DEFAULT_BODY_LIMIT } = this.#options;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(response)) {
      bytes += chunk.length;
      if (receive !== undefined) await this.#failOnError(receive(chunk));
      else if (bytes <= bodyLimit) chunks.push(chunk);
      else throw tooLarge(step, bodyLimit);
    }
    return { body: Buffer.concat(chunks), bytes };
  }

  /** Reads the first bytes of an error answer. */
  async #beginning(response: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(response)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_ERROR_BYTES) break;
    }
    return Buffer.concat(chunks);
  }

  /** Yields the body's chunks. The timer is paused while a chunk is processed. */
  async *#chunksOf(response: IncomingMessage): AsyncGenerator<Buffer> {
    this.#timers.startPhase('receive');
    for await (const chunk of response as AsyncIterable<Buffer>) {
      this.#timers.pausePhase();
      yield chunk;
      this.#timers.startPhase('receive');
    }
  }

  async #failOnError(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#fail(thrown);
      throw thrown;
    }
  }

  #fail(thrown: unknown): void {
    this.#error ??= thrown instanceof Error ? thrown : new PipelineError('STAGING_LOST', messageOf(thrown));
    this.#request.destroy();
  }
}

/** Returns the length that the headers declare; undefined if the body ends with the connection. */
function declaredLength(response: IncomingMessage): number | 'chunked' | undefined {
  const length = response.headers['content-length'];
  if (length !== undefined) return Number(length);
  return response.headers['transfer-encoding'] === 'chunked' ? 'chunked' : undefined;
}
