import { Agent, type ClientRequestArgs } from 'node:http';
import { Agent as TlsAgent, type RequestOptions } from 'node:https';
import { Socket } from 'node:net';
import type { TlsMaterial } from '../net/tls.ts';

/** Connections kept for reuse, a pool for each scheme. */
export interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
}

/** Idle connections are closed well before a NameNode closes them (10 to 60 s), so that few are found dead. */
const KEPT = { keepAlive: true, maxSockets: 32, maxFreeSockets: 8, timeout: 4_000 } as const;

/** Makes the pools of a client. Idle connections do not keep the process alive. */
export function createAgents(tls: TlsMaterial): Agents {
  return { http: new Agent(KEPT), https: new TlsAgent({ ...KEPT, ...tls }) };
}

/**
 * What makes the connection of a request.
 * @param agents Where a kept connection may be taken; without them it gets one of its own.
 */
export function connectionFor(url: URL, agents: Agents | undefined, tls: TlsMaterial): RequestOptions {
  const secure = url.protocol === 'https:';
  if (agents !== undefined) return { agent: secure ? agents.https : agents.http };
  // TLS has sockets of its own kind, so that over it a refusal can still be lost under a body.
  return secure ? { agent: false, ...tls } : { createConnection: connectAnswerFirst };
}

type Done = (error?: Error | null) => void;

/**
 * A connection on which an answer is still read after a write has failed.
 *
 * A DataNode that refuses a file (it exists, no right, quota) answers and closes while the body is still on
 * its way. The next write then fails, and Node would close the connection before it has read the answer: one
 * refusal in ten came out as "write EPIPE" on a busy machine. Here a failed write is dropped, with those
 * after it, and the reading side decides: it finds the answer, or the end of the connection.
 */
class AnswerFirstSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, forgiving(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, forgiving(done));
  }
}

function connectAnswerFirst({ host, port }: ClientRequestArgs): Socket {
  return new AnswerFirstSocket().connect({ host: host ?? 'localhost', port: Number(port), noDelay: true });
}

function forgiving(done: Done): Done {
  return (error) => {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    done(code === 'EPIPE' || code === 'ECONNRESET' ? null : error);
  };
}
