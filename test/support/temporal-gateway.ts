import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificates.ts';

const UNAUTHENTICATED = 16;

/** Options of a {@link TemporalGateway}. */
export interface TemporalGatewayOptions {
  readonly certificate: Certificate;
  /** Authority of the client certificates that it requires; none by default. */
  readonly clientCaFile?: string;
  /** API key that it requires; none by default. */
  readonly apiKey?: string;
  /** host:port of the real Temporal. */
  readonly temporal: string;
}

/** Terminates TLS before the real Temporal, as Temporal Cloud does; requires the client certificate and the API key of its options. */
export class TemporalGateway {
  /** Calls, such as `StartWorkflowExecution`, with their `authorization`. */
  readonly calls: { readonly method: string; readonly authorization: string | undefined }[] = [];
  readonly #server: Http2SecureServer;
  readonly #upstream: ClientHttp2Session;
  readonly #sockets = new Set<Socket>();
  readonly #apiKey: string | undefined;

  private constructor(options: TemporalGatewayOptions) {
    this.#apiKey = options.apiKey;
    this.#upstream = connect(`http://${options.temporal}`);
    const { certificateFile, keyFile } = options.certificate;
    const { clientCaFile } = options;
    this.#server = createSecureServer({
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile), requestCert: true }),
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('stream', (stream, headers) => {
      this.#serve(stream, headers);
    });
  }

  static async start(options: TemporalGatewayOptions): Promise<TemporalGateway> {
    const gateway = new TemporalGateway(options);
    await once(gateway.#server.listen(0, '127.0.0.1'), 'listening');
    return gateway;
  }

  /** Such as `localhost:40123`. */
  get address(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#upstream.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { authorization } = headers;
    this.calls.push({ method: headers[':path']?.split('/').at(-1) ?? '', authorization });
    if (this.#apiKey !== undefined && authorization !== `Bearer ${this.#apiKey}`) {
      const type = { ':status': 200, 'content-type': 'application/grpc' };
      stream.respond(
        { ...type, 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'who are you' },
        { endStream: true },
      );
      return;
    }
    forward(stream, headers, this.#upstream);
  }
}

/** Forwards a gRPC call: its headers, its body, and the trailers with its status. */
function forward(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  upstream: ClientHttp2Session,
): void {
  const onward = upstream.request({ ...headers, ':scheme': 'http' });
  let trailers: IncomingHttpHeaders = {};
  onward.on('response', (head, flags) => {
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(head, { endStream, waitForTrailers: !endStream });
    if (!endStream) onward.pipe(stream);
  });
  onward.on('trailers', (head: IncomingHttpHeaders) => {
    trailers = head;
  });
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailers);
  });
  // A poll that its worker cancels must end at the server too.
  stream.on('close', () => {
    onward.close(stream.rstCode);
  });
  for (const one of [stream, onward]) one.on('error', () => onward.destroy());
  stream.pipe(onward);
}
