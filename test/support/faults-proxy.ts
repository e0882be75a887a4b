import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { PlannedFaults } from './planned-faults.ts';

/** Faults of a request. `afterBytes` counts the bytes of a body, without its head. */
export type ProxyFault =
  /** Resets the connection; the server never receives the request. */
  | { readonly kind: 'reset' }
  /** Sends no response; the server never receives the request. */
  | { readonly kind: 'freeze' }
  /** Resets both connections in the middle of the request's body. */
  | { readonly kind: 'cut-request'; readonly afterBytes: number }
  /** Stops reading the request's body; then runs something. */
  | { readonly kind: 'freeze-request'; readonly afterBytes: number; readonly then?: () => Promise<void> }
  /** Lets the server carry out the request, and resets the client's connection instead of responding. */
  | { readonly kind: 'swallow-answer' }
  /** Delays the server's response. */
  | { readonly kind: 'delay-answer'; readonly ms: number }
  /** Resets the connection in the middle of the response body. */
  | { readonly kind: 'cut-answer'; readonly afterBytes: number }
  /** Stops forwarding the response body. */
  | { readonly kind: 'freeze-answer'; readonly afterBytes: number }
  /** Runs something, then forwards the request to the server. */
  | { readonly kind: 'before'; readonly run: (line: string) => Promise<void> }
  /** Runs something after the server has carried out the request, before the client receives the response. */
  | { readonly kind: 'after'; readonly run: () => Promise<void> }
  /** Sends this response; the server never receives the request. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: OutgoingHttpHeaders;
    };

/** Options of a {@link FaultsProxy}. */
export interface FaultsProxyOptions {
  /** Address of the real server, such as `http://127.0.0.1:9870`. */
  readonly target: string;
  /** Address for the server's redirects, so that they lead through another proxy. */
  readonly redirectTo?: string;
}

/** An HTTP proxy before a real server, with faults on request. */
export class FaultsProxy {
  /** Requests received, such as `PUT /webhdfs/v1/a?op=MKDIRS`, oldest first. */
  readonly seen: string[] = [];
  /** Requests that the server has answered, and so carried out, whether or not the client got the response. */
  readonly answered: string[] = [];
  readonly #server: Server;
  readonly #options: FaultsProxyOptions;
  readonly #faults = new PlannedFaults<string, ProxyFault>();
  #port = 0;

  private constructor(options: FaultsProxyOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response);
    });
    // The client's timeout, not the proxy's, must end a request to a frozen server.
    this.#server.requestTimeout = 0;
  }

  /** Starts a proxy on a free port of this machine. */
  static async start(options: FaultsProxyOptions): Promise<FaultsProxy> {
    const proxy = new FaultsProxy(options);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** Such as `http://127.0.0.1:40123`; still known when it is stopped. */
  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The address as in errors, such as `127.0.0.1:40123`. */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Returns the number of requests whose method and URL contain this text. */
  count(part: string): number {
    return this.seen.filter((line) => line.includes(part)).length;
  }

  /** Number of planned faults that were not applied yet. */
  get unused(): number {
    return this.#faults.unused;
  }

  /**
   * Plans a fault for the next requests that match.
   * @param matches Tested on the method and the URL, as in {@link seen}.
   * @param times Number of requests to apply it to.
   * @param spared Number of matching requests to let through first.
   */
  plan(matches: RegExp, fault: ProxyFault, times = 1, spared = 0): void {
    this.#faults.plan((line) => matches.test(line), fault, times, spared);
  }

  /** Removes the planned faults and the requests seen. */
  clear(): void {
    this.#faults.clear();
    this.seen.length = 0;
    this.answered.length = 0;
  }

  /** Destroys all connections. New ones are refused from then on. */
  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const line = `${request.method ?? ''} ${request.url ?? ''}`;
    this.seen.push(line);
    const fault = this.#faults.next(line);
    if (fault?.kind === 'reset') request.socket.resetAndDestroy();
    else if (fault?.kind === 'answer') response.writeHead(fault.status, fault.headers).end(fault.body);
    else if (fault?.kind === 'before') void this.#forwardAfter(fault.run(line), request, response);
    else if (fault?.kind !== 'freeze') this.#forward(request, response, fault);
  }

  async #forwardAfter(
    work: Promise<void>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    await work;
    // The client may have left by now, and cancelled its request.
    if (!request.socket.destroyed) this.#forward(request, response, undefined);
  }

  #forward(request: IncomingMessage, response: ServerResponse, fault: ProxyFault | undefined): void {
    const onward = httpRequest(new URL(request.url ?? '/', this.#options.target), {
      method: request.method,
      headers: request.headers,
      agent: false,
    });
    const cut = (): void => {
      request.socket.resetAndDestroy();
      onward.destroy();
    };
    onward.on('error', cut);
    // A client that leaves cancels its request to the server.
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy();
    });
    onward.on('continue', () => {
      response.writeContinue();
    });
    onward.on('response', (answer) => {
      this.answered.push(`${request.method ?? ''} ${request.url ?? ''}`);
      this.#passBack(answer, response, fault, cut).catch(cut);
    });
    const limit = fault?.kind === 'cut-request' || fault?.kind === 'freeze-request' ? fault : undefined;
    pass(request, onward, limit?.afterBytes).then((whole) => {
      if (!whole && limit?.kind === 'cut-request') cut();
      if (!whole && limit?.kind === 'freeze-request') return limit.then?.();
      return undefined;
    }, cut);
  }

  async #passBack(
    answer: IncomingMessage,
    response: ServerResponse,
    fault: ProxyFault | undefined,
    cut: () => void,
  ): Promise<void> {
    answer.on('error', cut);
    if (fault?.kind === 'swallow-answer') {
      // The server has carried out the request once its response is complete.
      answer.resume().on('end', cut);
      return;
    }
    await this.#runBeforeAnswer(fault);
    response.writeHead(answer.statusCode ?? 502, this.#redirect(answer.headers));
    response.flushHeaders();
    const isLimited = fault?.kind === 'cut-answer' || fault?.kind === 'freeze-answer';
    const isComplete = await pass(answer, response, isLimited ? fault.afterBytes : undefined);
    if (!isComplete && fault?.kind === 'cut-answer') cut();
  }

  async #runBeforeAnswer(fault: ProxyFault | undefined): Promise<void> {
    if (fault?.kind === 'after') await fault.run();
    if (fault?.kind === 'delay-answer') await delay(fault.ms, undefined, { ref: false });
  }

  #redirect(headers: IncomingMessage['headers']): OutgoingHttpHeaders {
    const { redirectTo } = this.#options;
    if (redirectTo === undefined || headers.location === undefined) return headers;
    return { ...headers, location: headers.location.replace(/^http:\/\/[^/]+/, redirectTo) };
  }
}

/**
 * Forwards a body.
 * @param limit Bytes after which to stop, with both sides left open.
 * @returns Whether the whole body was forwarded.
 */
async function pass(from: Readable, to: Writable, limit = Infinity): Promise<boolean> {
  let left = limit;
  if (left === 0) return false;
  for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    await new Promise<void>((resolve, reject) => {
      to.write(part, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    left -= part.length;
    if (left === 0) return false;
  }
  to.end();
  return true;
}
