import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PipelineError } from '../../model/errors.ts';
import { unreachable } from './body.ts';
import { guardedLookup, requireAllowed, type ConnectRules } from './connect.ts';
import { networkOf, type Network } from './networks.ts';

/** One HTTP request. Redirects are not followed. */
export interface Transmission {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly rules: ConnectRules;
  readonly signal: AbortSignal;
  /** The longest pause without a byte, in milliseconds. */
  readonly idleMs: number;
}

/** The answer to a request, and the network of the server's address. */
export interface Transmitted {
  readonly message: IncomingMessage;
  readonly network: Network;
}

/** The read-ahead of the connection, in bytes; Node's default is 64 KiB. */
const READ_AHEAD: { readonly highWaterMark: number } = { highWaterMark: 1 << 20 };

/**
 * Sends one request to an address that the rules allow.
 * @throws {PipelineError} SOURCE_UNREACHABLE, SOURCE_REFUSED
 */
export async function transmit(transmission: Transmission): Promise<Transmitted> {
  const { url, method, headers, body, rules, signal, idleMs } = transmission;
  requireAllowed(rules, url);
  const options: RequestOptions = {
    method,
    signal,
    headers: body === undefined ? headers : { ...headers, 'content-length': Buffer.byteLength(body) },
    lookup: guardedLookup(rules),
    // A pooled connection may be to an address that these rules don't allow.
    agent: false,
    ...READ_AHEAD,
  };
  return new Promise((resolve, reject) => {
    const clientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
    let network: Network = 'public';
    let answer: IncomingMessage | undefined;
    clientRequest.setTimeout(idleMs);
    clientRequest.on('timeout', () => {
      // Bytes are waiting to be read: the reader is slow, not the server.
      if ((answer?.readableLength ?? 0) > 0) clientRequest.setTimeout(idleMs);
      else clientRequest.destroy(new Error(`the server sent nothing for ${idleMs / 1000} s`));
    });
    clientRequest.on('socket', (socket) => {
      socket.once('connect', () => {
        network = networkOf(socket.remoteAddress ?? '');
      });
    });
    clientRequest.on('response', (message) => {
      answer = message;
      resolve({ message, network });
    });
    clientRequest.on('error', (error) => {
      reject(error instanceof PipelineError ? error : unreachable(rules.subject, error));
    });
    clientRequest.end(body);
  });
}
