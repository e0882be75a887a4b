import type { ClientRequestArgs } from 'node:http';
import { Socket } from 'node:net';

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

/** Connects for one exchange over plain HTTP; TLS has connections of its own kind. */
export function connectAnswerFirst({ host, port }: ClientRequestArgs): Socket {
  return new AnswerFirstSocket().connect({ host: host ?? 'localhost', port: Number(port), noDelay: true });
}

function forgiving(done: Done): Done {
  return (error) => {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    done(code === 'EPIPE' || code === 'ECONNRESET' ? null : error);
  };
}
