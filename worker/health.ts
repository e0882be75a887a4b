import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isServedHost, MISDIRECTED } from '../model/host-header.ts';
import type { Metrics } from './metrics.ts';

/** Options of {@link Health}. */
export interface HealthOptions {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly metrics: Metrics;
  /** The allowed host names of requests, besides `localhost` and IP addresses. */
  readonly names?: readonly string[];
}

/**
 * The HTTP server of a worker: `/healthz` returns 200 while the worker accepts tasks and 503 before and while it drains;
 * `/metrics` returns the metrics in the Prometheus text format.
 */
export class Health {
  readonly #server: Server;
  readonly #metrics: Metrics;
  #state: 'starting' | 'ready' | 'draining' = 'starting';
  #beforeMetrics: () => void = () => undefined;

  private constructor(metrics: Metrics, names: readonly string[]) {
    this.#metrics = metrics;
    this.#server = createServer((request, response) => {
      if (!isServedHost(request.headers.host, names))
        send(response, MISDIRECTED, { error: 'worker.healthNames has no such host name' });
      else if (request.url === '/healthz') this.#sendHealth(response);
      else if (request.url === '/metrics') void this.#sendMetrics(response);
      else send(response, 404, { error: 'there are only /healthz and /metrics' });
    });
  }

  /** Starts the server. */
  static async listen({ host, port, metrics, names = [] }: HealthOptions): Promise<Health> {
    const health = new Health(metrics, [host.toLowerCase(), ...names]);
    health.#server.listen(port, host);
    await once(health.#server, 'listening');
    return health;
  }

  /** The URL of /healthz on this host. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/healthz`;
  }

  /**
   * Reports the worker as ready.
   * @param beforeMetrics Called before each read of the metrics.
   */
  ready(beforeMetrics: () => void): void {
    this.#beforeMetrics = beforeMetrics;
    this.#state = 'ready';
  }

  /** Reports the worker as draining. */
  draining(): void {
    this.#state = 'draining';
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #sendHealth(response: ServerResponse): void {
    send(response, this.#state === 'ready' ? 200 : 503, { state: this.#state });
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    this.#beforeMetrics();
    const text = await this.#metrics.text();
    response.writeHead(200, { 'content-type': this.#metrics.contentType });
    response.end(text);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
