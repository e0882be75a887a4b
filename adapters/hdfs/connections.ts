import { Agent, type ClientRequestArgs } from 'node:http';
import { Agent as TlsAgent, type RequestOptions } from 'node:https';
import { Socket } from 'node:net';
import type { TlsMaterial } from '../net/tls.ts';

/** Connection pools, one per scheme. */
export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

/** Idle connections are closed well before the NameNode does so (10 to 60 s), so that few are dead when reused. */
const POOL_OPTIONS = { keepAlive: true, maxSockets: 32, maxFreeSockets: 8, timeout: 4_000 } as const;

/** Creates the pools of a client. Idle connections do not keep the process alive. */
export function createAgents(tls: TlsMaterial): Agents {
  return { http: new Agent(POOL_OPTIONS), https: new TlsAgent({ ...POOL_OPTIONS, ...tls }) };
}

/**
 * Returns the options of Node's HTTP client that choose a request's connection.
 * @param agents The pools; undefined opens a new connection for this request alone.
 */
export function connectionFor(url: URL, agents: Agents | undefined, tls: TlsMaterial): RequestOptions {
  const secure = url.protocol === 'https:';
  if (agents !== undefined) return { agent: secure ? agents.https : agents.http };
  // Over TLS, sockets are of another class, so a refusal during an upload can still be lost.
  return secure ? { agent: false, ...tls } : { createConnection: connectSocket };
}

type Done = (error?: Error | null) => void;

/**
 * A socket that still reads the answer after a write has failed.
 *
 * A DataNode that refuses a file (it exists, no permission, quota) answers and closes the connection during the upload.
 * The next write fails, and Node would destroy the socket before it reads the answer: one refusal in ten was reported
 * as "write EPIPE" on a busy machine. So failed writes are ignored; the reading side gets the answer or the end of the
 * connection.
 */
class AnswerFirstSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, ignoreBrokenPipe(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, ignoreBrokenPipe(done));
  }
}

function connectSocket({ host, port }: ClientRequestArgs): Socket {
  return new AnswerFirstSocket().connect({ host: host ?? 'localhost', port: Number(port), noDelay: true });
}

function ignoreBrokenPipe(done: Done): Done {
  return (error) => {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    done(code === 'EPIPE' || code === 'ECONNRESET' ? null : error);
  };
}
