import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRequest } from '../../adapters/http/source.ts';

/** Sends the response of one request. */
export type Scripted = (response: ServerResponse, request: IncomingMessage) => void;

/** A server on 127.0.0.1 with scripted responses, one per request; the last one repeats. */
export class ScriptedServer {
  readonly requests: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
  #answers: Scripted[] = [];
  readonly #server = createServer((request, response) => {
    this.requests.push({ url: request.url ?? '', headers: request.headers });
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    answer?.(response, request);
  });

  /** @param host An address of the loopback interface. */
  static async start(host = '127.0.0.1'): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await server.listen(host);
    return server;
  }

  /** @param host An address of the loopback interface. */
  async listen(host = '127.0.0.1'): Promise<void> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sets the next responses, and forgets earlier requests. */
  script(...answers: Scripted[]): void {
    this.#answers = answers;
    this.requests.length = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Sends a response with its body. Headers are sent unchanged; Date is now by default. */
export function answer(status: number, headers: OutgoingHttpHeaders, body = ''): Scripted {
  return (response) => {
    response.writeHead(status, headers).end(body);
  };
}

/** Sends a response, and closes the connection after a part of the body. */
export function cutAnswer(status: number, headers: OutgoingHttpHeaders, body: string): Scripted {
  return (response) => {
    response.writeHead(status, headers).write(body, () => {
      response.socket?.destroySoon();
    });
  };
}

/** Returns a request for the attempts of a server. */
export function requestTo(server: ScriptedServer): HttpRequest {
  return {
    url: `${server.url}/attempts`,
    subject: 'source test',
    redirectHosts: [],
    resume: undefined,
    signal: new AbortController().signal,
  };
}
