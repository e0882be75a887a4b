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

/** The timeouts of an exchange, in milliseconds. */
export interface Timeouts {
  /** Connecting, including the TLS handshake. */
  readonly connectMs: number;
  /** From the end of the request to the first byte of the answer. */
  readonly answerMs: number;
  /** Without progress while a body is sent or received. */
  readonly idleMs: number;
  /** The whole exchange, plus `exchangeMsPerMiB` for each MiB sent or received. */
  readonly exchangeMs: number;
  /** 1,000 allows for 1 MiB/s. */
  readonly exchangeMsPerMiB: number;
}

/** The default timeouts. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  answerMs: 30_000,
  idleMs: 30_000,
  exchangeMs: 120_000,
  exchangeMsPerMiB: 1_000,
};

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

const MIB = 2 ** 20;
const DEFAULT_BODY_LIMIT = 16 * MIB;
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

type Phase = 'connect' | 'answer' | 'send' | 'receive';

/** The timeout of each phase and its error message. */
const PHASES: Readonly<Record<Phase, { limit: keyof Timeouts; late: string }>> = {
  connect: { limit: 'connectMs', late: 'accepted no connection' },
  answer: { limit: 'answerMs', late: 'gave no answer' },
  send: { limit: 'idleMs', late: 'accepted no more of the body' },
  receive: { limit: 'idleMs', late: 'sent no more of its answer' },
};

/** The state of one exchange: it ends with a complete answer, or destroys the connection and throws the first error. */
class RunningExchange {
  readonly #options: ExchangeOptions;
  readonly #request: ClientRequest;
  #deadline: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
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
    this.#deadline = this.#startDeadline(options.body?.bytes ?? 0);
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
      clearTimeout(this.#timer);
      clearTimeout(this.#deadline);
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
      this.#startTimer(this.#request.writableEnded ? 'answer' : 'send');
    };
    if (!socket.connecting) {
      connected();
      return;
    }
    this.#startTimer('connect');
    socket.once(this.#options.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  }

  /** Never rejects: an error here fails the exchange. The timer is paused while a chunk is produced. */
  async #send(body: Body): Promise<void> {
    try {
      for await (const chunk of body.chunks()) {
        if (this.#sendingIsOver()) return;
        if (this.#sent) this.#startTimer('send');
        await new Promise<void>((resolve) => {
          this.#request.write(chunk, () => {
            resolve();
          });
        });
        // The answer has its own timer.
        if (this.#sendingIsOver()) return;
        clearTimeout(this.#timer);
      }
      this.#request.end();
      if (this.#sent) this.#startTimer('answer');
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #sendingIsOver(): boolean {
    return this.#request.destroyed || this.#response !== undefined;
  }

  async #receive(response: IncomingMessage): Promise<HdfsResponse> {
    const { step, expect, bodyLimit, receive } = this.#options;
    const status = response.statusCode ?? 0;
    if (status !== expect) {
      const challenge = response.headers['www-authenticate'];
      throw answerError(step, status, await this.#beginning(response), challenge);
    }
    const declared = declaredLength(response);
    if (declared === undefined)
      throw unexpectedAnswer(step, status, 'it has neither Content-Length nor chunked encoding');
    clearTimeout(this.#deadline);
    this.#deadline = this.#startDeadline(declared === 'chunked' ? 0 : declared);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(response)) {
      bytes += chunk.length;
      if (receive !== undefined) await this.#failOnError(receive(chunk));
      else if (bytes <= (bodyLimit ?? DEFAULT_BODY_LIMIT)) chunks.push(chunk);
      else throw tooLarge(step, bodyLimit ?? DEFAULT_BODY_LIMIT);
    }
    if (!response.complete || (declared !== 'chunked' && declared !== bytes)) {
      throw unexpectedAnswer(step, status, `its body was truncated after ${bytes} bytes`);
    }
    return { status, location: response.headers.location, body: Buffer.concat(chunks), bytes };
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
    this.#startTimer('receive');
    for await (const chunk of response as AsyncIterable<Buffer>) {
      clearTimeout(this.#timer);
      yield chunk;
      this.#startTimer('receive');
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

  /** Starts the timer of a phase, which replaces the previous one. */
  #startTimer(phase: Phase): void {
    const { step, timeouts } = this.#options;
    const { limit, late } = PHASES[phase];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(timeoutError(step, late, timeouts[limit], this.#sent));
    }, timeouts[limit]);
  }

  #startDeadline(bytes: number): NodeJS.Timeout {
    const { step, timeouts } = this.#options;
    const limitMs = Math.ceil(timeouts.exchangeMs + (bytes / MIB) * timeouts.exchangeMsPerMiB);
    return setTimeout(() => {
      this.#fail(timeoutError(step, 'was not done', limitMs, this.#sent));
    }, limitMs);
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
