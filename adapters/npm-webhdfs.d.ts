/** What the auditor uses of the package webhdfs 1.2.0, which has no types. */
declare module 'webhdfs' {
  import type { Readable } from 'node:stream';

  interface ClientOptions {
    readonly host: string;
    readonly port: string;
    readonly user: string;
    readonly path: string;
    readonly protocol: string;
  }

  /** Handed on to `request` with each request. */
  interface RequestOptions {
    /** Milliseconds to wait for an answer, and for each piece of it. */
    readonly timeout: number;
  }

  interface Client {
    /** Emits `data`, then `finish`, also after a read that was cut short; or `error`. */
    createReadStream(path: string): Readable & { abort(): void };
  }

  const webhdfs: { createClient(options: ClientOptions, request: RequestOptions): Client };
  export default webhdfs;
}
