import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers /healthz on 127.0.0.1: 200 while the worker takes work, 503 before and while it drains. */
export class Health {
  readonly #server: Server;
  #state: 'starting' | 'ready' | 'draining' = 'starting';

  private constructor() {
    this.#server = createServer((request, answer) => {
      const known = request.url === '/healthz';
      const status = known ? (this.#state === 'ready' ? 200 : 503) : 404;
      answer.writeHead(status, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(known ? { state: this.#state } : { error: 'there is only /healthz' }));
    });
  }

  /** @param port 0 takes a free one. */
  static async listen(port: number): Promise<Health> {
    const health = new Health();
    health.#server.listen(port, '127.0.0.1');
    await once(health.#server, 'listening');
    return health;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/healthz`;
  }

  ready(): void {
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
}
