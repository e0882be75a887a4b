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
  type Step,
} from './errors.ts';

/** How long each part of an exchange may take, in milliseconds. */
export interface Timeouts {
  /** To connect, TLS included. */
  readonly connectMs: number;
  /** From the end of the request to the first byte of the answer. */
  readonly answerMs: number;
  /** Between two moves of a body that is sent or received. */
  readonly idleMs: number;
  /** For a whole exchange, and ... */
  readonly exchangeMs: number;
  /** ... this much more for each MiB that is sent or received: 1,000 stands for 1 MiB/s. */
  readonly exchangeMsPerMiB: number;
}

/** What is kept to unless a client is told otherwise. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  answerMs: 30_000,
  idleMs: 30_000,
  exchangeMs: 120_000,
  exchangeMsPerMiB: 1_000,
};

/** A body to send. */
export interface Body {
  readonly bytes: number;
  /** The content from its start; asked again when the exchange is tried again. A chunk's memory is used again for the next. */
  chunks(): AsyncIterable<Buffer>;
}

/** One request and what is expected of its answer. */
export interface Exchange {
  readonly step: Step;
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The one status that is a success. */
  readonly expect: number;
  readonly body?: Body | undefined;
  /** Takes the answer's body as it comes; without it the body is in the answer. */
  readonly receive?: ((chunk: Buffer) => Promise<void>) | undefined;
  /** The most bytes to take into memory; 16 MiB unless said. */
  readonly bodyLimit?: number | undefined;
  /** Connections kept for reuse. Without it the exchange has a connection of its own. */
  readonly agents?: Agents | undefined;
  readonly tls: TlsMaterial;
  readonly timeouts: Timeouts;
  readonly signal?: AbortSignal | undefined;
}

/** A whole answer with the expected status. */
export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  /** Empty when `receive` took it. */
  readonly body: Buffer;
  /** The body's length in bytes. */
  readonly bytes: number;
}

const MIB = 2 ** 20;
const BODY_LIMIT = 16 * MIB;
const ERROR_LIMIT = 2 ** 16;

/**
 * Carries out one exchange.
 *
 * A kept connection that turns out dead is replaced once by a new one; so `agents` may only be given for
 * requests that may be carried out twice.
 * @throws {HdfsError} for any answer other than a whole one with the expected status, and for none in time.
 * @throws what the body or `receive` throws, and the signal's reason when it is aborted.
 */
export async function exchange(asked: Exchange): Promise<Answer> {
  const first = new OneExchange(asked);
  try {
    return await first.run();
  } catch (thrown) {
    if (!first.foundDeadConnection) throw thrown;
  }
  return new OneExchange({ ...asked, agents: undefined }).run();
}

type Phase = 'connect' | 'answer' | 'send' | 'receive';

/** The limit of each phase, and what a server that lets it pass did not do. */
const WATCHED: Readonly<Record<Phase, { limit: keyof Timeouts; late: string }>> = {
  connect: { limit: 'connectMs', late: 'accepted no connection' },
  answer: { limit: 'answerMs', late: 'gave no answer' },
  send: { limit: 'idleMs', late: 'took no more of the body' },
  receive: { limit: 'idleMs', late: 'sent no more of its answer' },
};

/** The state of one exchange: it ends whole, or with its connection destroyed and its first fault thrown. */
class OneExchange {
  readonly #asked: Exchange;
  readonly #request: ClientRequest;
  #deadline: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #response: IncomingMessage | undefined;
  #fault: Error | undefined;
  /** Whether the server may have got the request. */
  #sent = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(asked: Exchange) {
    asked.signal?.throwIfAborted();
    this.#asked = asked;
    const open = asked.url.protocol === 'https:' ? httpsRequest : httpRequest;
    this.#request = open(asked.url, {
      method: asked.method,
      ...connectionFor(asked.url, asked.agents, asked.tls),
      headers: {
        ...CROSS_SITE_HEADER,
        ...asked.headers,
        ...(asked.method === 'GET' ? {} : { 'Content-Length': asked.body?.bytes ?? 0 }),
      },
    });
    this.#deadline = this.#boundWhole(asked.body?.bytes ?? 0);
  }

  /** Whether it failed only because the server had closed a kept connection meanwhile. */
  get foundDeadConnection(): boolean {
    return this.#request.reusedSocket && this.#response === undefined && this.#fault === undefined;
  }

  async run(): Promise<Answer> {
    const { signal, step } = this.#asked;
    const onAbort = (): void => {
      this.#request.destroy();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await this.#receive(await this.#ask());
    } catch (thrown) {
      signal?.throwIfAborted();
      throw this.#fault ?? (thrown instanceof HdfsError ? thrown : connectionError(step, thrown, this.#sent));
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(this.#timer);
      clearTimeout(this.#deadline);
      if (this.#response?.complete !== true || !this.#request.writableFinished) this.#request.destroy();
      await this.#sending;
    }
  }

  /** Sends the request until the head of its answer is there, which can be before all of the body is sent. */
  #ask(): Promise<IncomingMessage> {
    const request = this.#request;
    const { body } = this.#asked;
    return new Promise((resolve, reject) => {
      // It stays for good: a late error of the socket must not end the process.
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
      this.#arm(this.#request.writableEnded ? 'answer' : 'send');
    };
    if (!socket.connecting) {
      connected();
      return;
    }
    this.#arm('connect');
    socket.once(this.#asked.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  }

  /** Never rejects: what fails here ends the exchange. The clock does not run while a chunk is made. */
  async #send(body: Body): Promise<void> {
    try {
      for await (const chunk of body.chunks()) {
        if (this.#sendingIsOver()) return;
        if (this.#sent) this.#arm('send');
        await new Promise<void>((resolve) => {
          this.#request.write(chunk, () => {
            resolve();
          });
        });
        // From an answer on, the clock is that of the answer.
        if (this.#sendingIsOver()) return;
        clearTimeout(this.#timer);
      }
      this.#request.end();
      if (this.#sent) this.#arm('answer');
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #sendingIsOver(): boolean {
    return this.#request.destroyed || this.#response !== undefined;
  }

  async #receive(response: IncomingMessage): Promise<Answer> {
    const { step, expect, bodyLimit, receive } = this.#asked;
    const status = response.statusCode ?? 0;
    if (status !== expect) {
      const challenge = response.headers['www-authenticate'];
      throw answerError(step, status, await this.#beginning(response), challenge);
    }
    const declared = declaredLength(response);
    if (declared === undefined) throw unexpectedAnswer(step, status, 'nothing tells where its body ends');
    clearTimeout(this.#deadline);
    this.#deadline = this.#boundWhole(declared === 'chunked' ? 0 : declared);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(response)) {
      bytes += chunk.length;
      if (receive !== undefined) await this.#local(receive(chunk));
      else if (bytes <= (bodyLimit ?? BODY_LIMIT)) chunks.push(chunk);
      else throw tooLarge(step, bodyLimit ?? BODY_LIMIT);
    }
    if (!response.complete || (declared !== 'chunked' && declared !== bytes)) {
      throw unexpectedAnswer(step, status, `its body was cut after ${bytes} bytes`);
    }
    return { status, location: response.headers.location, body: Buffer.concat(chunks), bytes };
  }

  /** The first bytes of an answer that tells of an error; the rest is not waited for. */
  async #beginning(response: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunksOf(response)) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= ERROR_LIMIT) break;
    }
    return Buffer.concat(chunks);
  }

  /** The clock runs only while the server is waited for, not while a chunk is dealt with. */
  async *#chunksOf(response: IncomingMessage): AsyncGenerator<Buffer> {
    this.#arm('receive');
    for await (const chunk of response as AsyncIterable<Buffer>) {
      clearTimeout(this.#timer);
      yield chunk;
      this.#arm('receive');
    }
  }

  async #local(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      this.#fail(thrown);
      throw thrown;
    }
  }

  /** Starts the clock of a phase, in place of the one before. */
  #arm(phase: Phase): void {
    const { step, timeouts } = this.#asked;
    const { limit, late } = WATCHED[phase];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#fail(timeoutError(step, late, timeouts[limit], this.#sent));
    }, timeouts[limit]);
  }

  #boundWhole(bytes: number): NodeJS.Timeout {
    const { step, timeouts } = this.#asked;
    const limitMs = Math.ceil(timeouts.exchangeMs + (bytes / MIB) * timeouts.exchangeMsPerMiB);
    return setTimeout(() => {
      this.#fail(timeoutError(step, 'was not done', limitMs, this.#sent));
    }, limitMs);
  }

  #fail(thrown: unknown): void {
    this.#fault ??= thrown instanceof Error ? thrown : new PipelineError('STAGING_LOST', messageOf(thrown));
    this.#request.destroy();
  }
}

/** The length that the head of an answer announces; undefined when it leaves the end to the connection's. */
function declaredLength(response: IncomingMessage): number | 'chunked' | undefined {
  const length = response.headers['content-length'];
  if (length !== undefined) return Number(length);
  return response.headers['transfer-encoding'] === 'chunked' ? 'chunked' : undefined;
}
