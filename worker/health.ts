import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isServedHost, MISDIRECTED } from '../model/host-header.ts';
import type { Metrics } from './metrics.ts';

/** Where a worker answers those who watch it, and what it counts for them. */
export interface HealthOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** The names that this host is asked by, besides `localhost` and its IP addresses. */
  readonly names?: readonly string[];
}

/**
 * Answers /healthz: 200 while the worker takes work, 503 before and while it drains; and /metrics, in the text
 * format of Prometheus.
 */
export class Health {
  readonly #server: Server;
  readonly #metrics: Metrics;
  #state: 'starting' | 'ready' | 'draining' = 'starting';
  #beforeMetrics: () => void = () => undefined;

  private constructor(metrics: Metrics, names: readonly string[]) {
    this.#metrics = metrics;
    this.#server = createServer((request, answer) => {
      if (!isServedHost(request.headers.host, names))
        send(answer, MISDIRECTED, { error: 'worker.healthNames has no such host name' });
      else if (request.url === '/healthz') this.#answerHealth(answer);
      else if (request.url === '/metrics') void this.#answerMetrics(answer);
      else send(answer, 404, { error: 'there are only /healthz and /metrics' });
    });
  }

  static async listen({ host, port, metrics, names = [] }: HealthOptions): Promise<Health> {
    const health = new Health(metrics, [host.toLowerCase(), ...names]);
    health.#server.listen(port, host);
    await once(health.#server, 'listening');
    return health;
  }

  /** The address of /healthz, from this host. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/healthz`;
  }

  /** @param beforeMetrics Is called each time that the metrics are read, before they are. */
  ready(beforeMetrics: () => void): void {
    this.#beforeMetrics = beforeMetrics;
    this.#state = 'ready';
  }

  draining(): void {
    this.#state = 'draining';
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answerHealth(answer: ServerResponse): void {
    send(answer, this.#state === 'ready' ? 200 : 503, { state: this.#state });
  }

  async #answerMetrics(answer: ServerResponse): Promise<void> {
    this.#beforeMetrics();
    const text = await this.#metrics.text();
    answer.writeHead(200, { 'content-type': this.#metrics.contentType });
    answer.end(text);
  }
}

function send(answer: ServerResponse, status: number, body: object): void {
  answer.writeHead(status, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(body));
}
