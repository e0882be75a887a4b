import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Certificate } from './certificates.ts';

const BASE = '/gateway/default/webhdfs';

/** A request as the gateway received it. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
}

/** Options of a {@link Gateway}. */
export interface GatewayOptions {
  readonly certificate: Certificate;
  /** Address of the real NameNode, such as `http://127.0.0.1:9870`. */
  readonly nameNode: string;
  /** Returns whether a request is authenticated. */
  readonly admits: (seen: Seen) => boolean;
  /** Origin of its redirects, instead of its own. */
  readonly redirectTo?: string;
}

/**
 * An HTTPS gateway before the real HDFS, like Apache Knox: it authenticates each request, replaces the DataNode's
 * address by its own, and passes a user name to HDFS.
 */
export class Gateway {
  /** Oldest first. */
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #options: GatewayOptions;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    const { certificateFile, keyFile } = options.certificate;
    const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) };
    this.#server = createServer(tls, (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
  }

  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    await once(gateway.#server.listen(0, '127.0.0.1'), 'listening');
    return gateway;
  }

  get origin(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The value of `hdfs.nameNodes`. */
  get address(): string {
    return `${this.origin}/gateway/default`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', this.origin),
      authorization: request.headers.authorization,
    };
    this.seen.push(seen);
    if (!this.#options.admits(seen)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="application"' }).end();
      return;
    }
    const headers = { ...request.headers };
    delete headers.host;
    delete headers.authorization;
    const onward = httpRequest(this.#targetOf(seen.url), { method: seen.method, headers, agent: false });
    onward.on('error', () => request.socket.destroy());
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
    // A DataNode that refuses a file responds before it has read the whole body.
    pipeline(request, onward).catch(() => undefined);
    const [answer] = await answered;
    response.writeHead(answer.statusCode ?? 502, this.#hide(answer.headers));
    await pipeline(answer, response);
  }

  /**
   * Returns the target of a request: its own redirects contain the DataNode's address; all else goes to the NameNode.
   */
  #targetOf(url: URL): URL {
    const hidden = url.searchParams.get('_');
    if (hidden !== null) return new URL(Buffer.from(hidden, 'base64url').toString());
    const target = new URL(url.pathname.replace(BASE, '/webhdfs'), this.#options.nameNode);
    const query = url.search.replace(/&(user\.name|delegation)=[^&]*/g, '');
    target.search = `${query}&user.name=hdfs`;
    return target;
  }

  #hide(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
    if (headers.location === undefined) return headers;
    const hidden = Buffer.from(headers.location).toString('base64url');
    const { pathname } = new URL(headers.location);
    const origin = this.#options.redirectTo ?? this.origin;
    return { ...headers, location: `${origin}${BASE}/data/v1${pathname}?_=${hidden}` };
  }
}
