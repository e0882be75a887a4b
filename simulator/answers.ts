import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { LoggedRequest, RequestLog } from './requests.ts';

/** One request under way, with all that its response needs. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly entry: LoggedRequest;
  readonly log: RequestLog;
  /** Aborted when the platform closes. */
  readonly closing: AbortSignal;
}

/** Pace of a body; sent at once and whole by default. */
export interface BodyPace {
  /** Destroys the connection after this number of bytes. */
  readonly cutAfter?: number;
  readonly bytesPerSecond?: number;
}

/** Sends a response without a body, or the head that {@link sendBody} follows. */
export function sendHead({ response, entry }: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  entry.status = status;
  response.writeHead(status, headers);
}

/** Sends a short text. */
export function sendText(
  exchange: Exchange,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const { response, entry, log, request } = exchange;
  const body = Buffer.from(text);
  sendHead(exchange, status, { 'content-type': type, 'content-length': body.length, ...headers });
  if (request.method === 'HEAD') response.end();
  else {
    response.end(body);
    log.sent(entry, body.length);
  }
  entry.finished = true;
}

/** Sends JSON. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendText(exchange, status, 'application/json', `${JSON.stringify(value)}\n`, headers);
}

/** Sends the body after its head, as fast as the client reads or at the given pace. */
export async function sendBody(
  exchange: Exchange,
  body: AsyncIterable<Buffer>,
  pace: BodyPace = {},
): Promise<void> {
  const { response, entry } = exchange;
  response.flushHeaders();
  await pipeline(Readable.from(paced(exchange, body, pace), { objectMode: false }), response, { end: false });
  if (pace.cutAfter !== undefined && entry.bytes >= pace.cutAfter) {
    // Flushes the bytes written before it destroys the connection with the body unfinished.
    response.socket?.destroySoon();
    return;
  }
  response.end();
  entry.finished = true;
}

const SLICES_PER_SECOND = 20;

async function* paced(
  { entry, log, closing }: Exchange,
  body: AsyncIterable<Buffer>,
  { cutAfter = Infinity, bytesPerSecond = Infinity }: BodyPace,
): AsyncGenerator<Buffer, void, undefined> {
  const slice = Math.ceil(bytesPerSecond / SLICES_PER_SECOND);
  let left = cutAfter;
  if (left === 0) return;
  for await (const piece of body) {
    for (let at = 0; at < piece.length && left > 0; at += slice) {
      const part = piece.subarray(at, at + Math.min(slice, left));
      left -= part.length;
      yield part;
      log.sent(entry, part.length);
      if (slice !== Infinity)
        await wait((part.length * 1000) / bytesPerSecond, undefined, { signal: closing });
    }
    if (left === 0) return;
  }
}
