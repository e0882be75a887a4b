import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PipelineError, messageOf } from '../model/errors.ts';

/** What to ask a customer's server for. */
export interface HttpRequest {
  readonly url: string;
  /** Which source it is for, in messages; the url may hold what is not for everyone's eyes. */
  readonly subject: string;
  readonly token: string | undefined;
  /** Goes on where an earlier answer was cut, if the content is still the one of this validator. */
  readonly resume: { readonly validator: string; readonly fromByte: number } | undefined;
  /** Hosts, as `host` or `host:port`, that a redirect may lead to besides the url's own; none gets the token. */
  readonly redirectHosts: readonly string[];
  readonly signal: AbortSignal;
  readonly patience?: Patience;
}

/** When a server is taken for gone. */
export interface Patience {
  /** It sends nothing for so long. */
  readonly idleMs: number;
  /** It sends, but within each such time on average less than `leastBytesPerSecond`. */
  readonly windowMs: number;
  readonly leastBytesPerSecond: number;
}

/** A body that is being received. */
export interface HttpContent {
  /** The byte of the content that the body begins with: 0, or the one that was asked for. */
  readonly fromByte: number;
  /** A strong ETag, else Last-Modified; undefined when the server gave neither, so that nothing can resume. */
  readonly validator: string | undefined;
  /** The header as the server sent it. */
  readonly contentType: string | undefined;
  /** The header as the server sent it. */
  readonly contentEncoding: string | undefined;
  /** @throws {PipelineError} SOURCE_UNREACHABLE when it is cut or stalls. */
  readonly body: AsyncIterable<Buffer>;
}

const PATIENCE: Patience = { idleMs: 30_000, windowMs: 60_000, leastBytesPerSecond: 1024 };
const MAX_REDIRECTS = 5;
/** Node gives it on to the connection, and reads so many bytes before they are asked for; 64 KiB otherwise. */
const READ_AHEAD: { readonly highWaterMark: number } = { highWaterMark: 1 << 20 };

const LONGEST_RETRY_AFTER_MS = 15 * 60_000;

/**
 * Asks a customer's server for its content, or for the rest of it.
 * @throws {PipelineError} SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED
 */
export async function openHttp(request: HttpRequest): Promise<HttpContent> {
  let { url } = request;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await send(request, url);
    const { statusCode: status = 0 } = answer;
    const { location } = answer.headers;
    if (status >= 300 && status < 400 && location !== undefined) {
      answer.destroy();
      url = redirected(request, url, location);
      continue;
    }
    if (status === 200 || status === 206) return contentOf(request, answer, status);
    answer.destroy();
    if (status === 416 && request.resume !== undefined) return openHttp({ ...request, resume: undefined });
    throw refused(request, answer, status);
  }
  throw new PipelineError('SOURCE_REFUSED', `${request.subject}: more than ${MAX_REDIRECTS} redirects`);
}

function send(request: HttpRequest, url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = (url.startsWith('https:') ? requestHttps : requestHttp)(url, {
      signal: request.signal,
      headers: headersOf(request, url),
      ...READ_AHEAD,
    });
    const { idleMs } = request.patience ?? PATIENCE;
    asked.setTimeout(idleMs, () => {
      asked.destroy(new Error(`the server sent nothing for ${idleMs / 1000} s`));
    });
    asked.on('response', resolve);
    asked.on('error', (error) => {
      reject(unreachable(request, error));
    });
    asked.end();
  });
}

function headersOf({ token, resume, ...request }: HttpRequest, url: string): Record<string, string> {
  // The token is for the customer's own server alone.
  const isOwn = new URL(url).origin === new URL(request.url).origin;
  return {
    accept: 'application/json, application/x-ndjson, application/gzip',
    'accept-encoding': 'gzip, identity',
    ...(token === undefined || !isOwn ? {} : { authorization: `Bearer ${token}` }),
    ...(resume === undefined ? {} : { range: `bytes=${resume.fromByte}-`, 'if-range': resume.validator }),
  };
}

function contentOf(request: HttpRequest, answer: IncomingMessage, status: number): HttpContent {
  const { etag, 'last-modified': lastModified, 'content-range': range } = answer.headers;
  // Only a strong ETag promises that the bytes are the same.
  const validator = etag !== undefined && !etag.startsWith('W/') ? etag : lastModified;
  const fromByte = status === 206 ? Number(/^bytes (\d+)-/.exec(range ?? '')?.[1] ?? NaN) : 0;
  if (status === 206 && fromByte !== request.resume?.fromByte) {
    answer.destroy();
    throw new PipelineError(
      'SOURCE_UNREACHABLE',
      `${request.subject}: the server answered 206 with another range`,
    );
  }
  return {
    fromByte,
    validator,
    contentType: answer.headers['content-type'],
    contentEncoding: answer.headers['content-encoding'],
    body: begun(bodyOf(request, answer)),
  };
}

/** Begins to read at once: of a connection that is cut before, nothing would be left to go on from. */
function begun<T>(pieces: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const first = pieces.next();
  // Whoever reads hears of it.
  first.catch(() => undefined);
  return (async function* () {
    try {
      for (let piece = await first; piece.done !== true; piece = await pieces.next()) yield piece.value;
    } finally {
      await pieces.return();
    }
  })();
}

async function* bodyOf(request: HttpRequest, answer: IncomingMessage): AsyncGenerator<Buffer, void> {
  const { windowMs, leastBytesPerSecond } = request.patience ?? PATIENCE;
  let began = performance.now();
  let received = 0;
  try {
    for await (const bytes of answer) {
      yield bytes as Buffer;
      received += (bytes as Buffer).length;
      const waited = performance.now() - began;
      if (waited < windowMs) continue;
      if (received < (leastBytesPerSecond * waited) / 1000) throw tooSlow(request, received, waited);
      [began, received] = [performance.now(), 0];
    }
  } catch (error) {
    throw error instanceof PipelineError ? error : unreachable(request, error);
  } finally {
    answer.destroy();
  }
}

function tooSlow({ subject }: HttpRequest, bytes: number, waitedMs: number): PipelineError {
  const seconds = Math.round(waitedMs / 1000);
  return new PipelineError(
    'SOURCE_UNREACHABLE',
    `${subject}: the server sent only ${bytes} bytes in ${seconds} s`,
  );
}

function unreachable({ subject }: HttpRequest, cause: unknown): PipelineError {
  return new PipelineError('SOURCE_UNREACHABLE', `${subject}: ${messageOf(cause)}`, { cause });
}

function refused({ subject }: HttpRequest, answer: IncomingMessage, status: number): PipelineError {
  const what = `${subject}: the server answered ${status} ${answer.statusMessage ?? ''}`.trimEnd();
  const retryAfterMs = readRetryAfter(answer.headers['retry-after']);
  if (status === 429 || (status === 503 && retryAfterMs !== undefined)) {
    return new PipelineError('SOURCE_BUSY', what, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  return new PipelineError(status === 408 || status >= 500 ? 'SOURCE_UNREACHABLE' : 'SOURCE_REFUSED', what);
}

/** Seconds, or a date (RFC 9110, 10.2.3); in milliseconds, bounded. */
function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** Another host is followed only where the settings name it, and never from https to http. */
function redirected({ subject, redirectHosts }: HttpRequest, from: string, location: string): string {
  const old = new URL(from);
  if (!URL.canParse(location, from))
    throw new PipelineError('SOURCE_REFUSED', `${subject}: the server redirects to what is no address`);
  const to = new URL(location, from);
  if (to.origin === old.origin) return to.href;
  const isSafe = to.protocol === 'https:' || (to.protocol === 'http:' && old.protocol === 'http:');
  if (!isSafe)
    throw new PipelineError(
      'SOURCE_REFUSED',
      `${subject}: the server redirects from ${old.protocol} to ${to.protocol}`,
    );
  if (redirectHosts.includes(to.host)) return to.href;
  throw new PipelineError(
    'SOURCE_REFUSED',
    `${subject}: the server redirects to another host, ${to.host}, which its redirectHosts do not name`,
  );
}
