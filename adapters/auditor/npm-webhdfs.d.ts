/** Types of the parts of webhdfs 1.2.0 that the auditor uses; the package has none. */
declare module 'webhdfs' {
  import type { Readable } from 'node:stream';

  interface ClientOptions {
    readonly host: string;
    readonly port: string;
    /** Sent as `user.name`, unless it is empty. */
    readonly user: string;
    readonly path: string;
    readonly protocol: string;
  }

  /** An answer that sends the request on. */
  export interface Redirect {
    readonly headers: { readonly location?: string };
    /** The options of each request, with all headers. */
    readonly request: { readonly uri: { readonly href: string }; removeHeader(name: string): void };
  }

  /** Handed on to `request` with each request. */
  interface RequestOptions {
    /** Milliseconds to wait for an answer, and for each piece of it. */
    readonly timeout: number;
    readonly headers: Readonly<Record<string, string>>;
    /** Asked before a redirect is followed. */
    readonly followRedirect: (redirect: Redirect) => boolean;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  }

  interface Client {
    /** Emits `data`, then `finish`, also after a read that was cut short; or `error`. */
    createReadStream(
      path: string,
      parameters: Readonly<Record<string, string>>,
    ): Readable & { abort(): void };
  }

  const webhdfs: { createClient(options: ClientOptions, request: RequestOptions): Client };
  export default webhdfs;
}
