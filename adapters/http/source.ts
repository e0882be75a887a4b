import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { requireConfidential } from '../../model/confidential.ts';
import { PipelineError } from '../../model/errors.ts';
import { readBody, unreachable, type BodyOptions, type BodyTimeouts } from './body.ts';
import { guardedLookup, requireAllowed, type ConnectRules } from './connect.ts';
import { networkOf, type Network } from './networks.ts';
import { requireOnlyPage } from './pages.ts';
import { isRedirect, redirectTarget } from './redirects.ts';
import { bytesIn, differenceFrom, isRangeAt, readContentRange, representationOf } from './representation.ts';
import type { ContentRange, Representation } from './representation.ts';
import { statusError } from './statuses.ts';

/** A source's URL and the settings for its access. */
export interface HttpAccess {
  readonly url: string;
  /** The source, for errors; the URL can contain a secret. */
  readonly subject: string;
  readonly token: string | undefined;
  /** Whether the token may be sent to another host without TLS; default: false. */
  readonly allowCleartext?: boolean | undefined;
  /** Allowed hosts of redirects, as `host` or `host:port`, besides the URL's own; they never receive the token. */
  readonly redirectHosts: readonly string[];
  /** Subnets that are allowed even if link-local, or internal after a redirect. */
  readonly allowAddresses?: readonly string[];
}

/** A request for a source's content. */
export interface HttpRequest extends HttpAccess {
  /** The interrupted download to resume; undefined requests the whole content. */
  readonly resume: Resume | undefined;
  readonly signal: AbortSignal;
  readonly timeouts?: BodyTimeouts;
}

/** An interrupted download. */
export interface Resume {
  readonly representation: Representation;
  readonly fromByte: number;
}

/** An answer whose body is being received. */
export interface HttpContent {
  /** The content's byte at which the body begins: 0, or the requested one. */
  readonly fromByte: number;
  /** The representation; of the first answer for a resumed download. */
  readonly representation: Representation;
  /** Whether the server has no content at present (204, 205). */
  readonly hasNoContent: boolean;
  /** @throws {PipelineError} SOURCE_UNREACHABLE when it is truncated, stalls, or has another length than declared. */
  readonly body: AsyncIterable<Buffer>;
}

const DEFAULT_TIMEOUTS: BodyTimeouts = { idleMs: 30_000, windowMs: 60_000, minBytesPerSecond: 1024 };
const MAX_REDIRECTS = 5;

/** The read-ahead of the connection, in bytes; Node's default is 64 KiB. */
const READ_AHEAD: { readonly highWaterMark: number } = { highWaterMark: 1 << 20 };

const UNSATISFIABLE = 416;

/** No Content and Reset Content. */
const NO_CONTENT: ReadonlySet<number> = new Set([204, 205]);

/** An answer and its URL. */
interface Answer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly url: URL;
  /** The resumed download; undefined if the whole content was requested. */
  readonly resumed: Resume | undefined;
}

/**
 * Requests a source's content, or the rest of it. If the representation has changed, requests the whole content
 * instead.
 * @throws {PipelineError} SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED, SETTINGS_INVALID
 */
export async function openHttp(request: HttpRequest): Promise<HttpContent> {
  const answer = await followRedirects(request);
  const { message, status, resumed } = answer;
  let content: HttpContent | undefined;
  try {
    content = contentOf(request, answer);
  } finally {
    if (content === undefined) message.destroy();
  }
  if (content !== undefined) return content;
  const hasChanged = status === 206 || status === UNSATISFIABLE;
  if (resumed !== undefined && hasChanged) return openHttp({ ...request, resume: undefined });
  throw statusError(request.subject, message);
}

/** Sends the request and follows redirects; returns the last answer. */
async function followRedirects(request: HttpRequest): Promise<Answer> {
  let url = new URL(request.url);
  let redirectedFrom: Network | undefined;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const resumed = resumeAt(request, url);
    const { message, network } = await send(request, { url, resumed, redirectedFrom });
    const { statusCode: status = 0 } = message;
    const { location } = message.headers;
    if (!isRedirect(status, location)) return { message, status, url, resumed };
    message.destroy();
    redirectedFrom ??= network;
    url = redirectTarget(request, url, location);
  }
  throw new PipelineError('SOURCE_REFUSED', `${request.subject}: more than ${MAX_REDIRECTS} redirects`);
}

/** Resumes only at the URL of the first answer. */
function resumeAt({ resume }: HttpRequest, url: URL): Resume | undefined {
  if (resume?.representation.validator === undefined) return undefined;
  return isRangeAt(resume.representation, url) ? resume : undefined;
}

/** One request in a chain of redirects. */
interface Hop {
  readonly url: URL;
  readonly resumed: Resume | undefined;
  readonly redirectedFrom: Network | undefined;
}

/** Sends one request; returns the answer and the network of the server's address. */
async function send(request: HttpRequest, hop: Hop): Promise<{ message: IncomingMessage; network: Network }> {
  const { url } = hop;
  const headers = headersOf(request, hop);
  const rules: ConnectRules = {
    ...request,
    allowed: request.allowAddresses ?? [],
    redirectedFrom: hop.redirectedFrom,
    loopbackOnly:
      headers['authorization'] !== undefined && url.protocol === 'http:' && request.allowCleartext !== true,
  };
  requireAllowed(rules, url);
  const options: RequestOptions = {
    signal: request.signal,
    headers,
    lookup: guardedLookup(rules),
    // A pooled connection may be to an address that these rules don't allow.
    agent: false,
    ...READ_AHEAD,
  };
  return new Promise((resolve, reject) => {
    const clientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
    const { idleMs } = request.timeouts ?? DEFAULT_TIMEOUTS;
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
      reject(error instanceof PipelineError ? error : unreachable(request.subject, error));
    });
    clientRequest.end();
  });
}

function headersOf(request: HttpRequest, { url, resumed }: Hop): Record<string, string> {
  const { validator } = resumed?.representation ?? {};
  return {
    accept: 'application/json, application/x-ndjson, application/gzip',
    'accept-encoding': 'gzip, identity',
    ...authorization(request, url),
    ...(resumed === undefined || validator === undefined
      ? {}
      : { range: `bytes=${resumed.fromByte}-`, 'if-range': validator }),
  };
}

/** Returns the header with the token, only for the source's own server. */
function authorization({ token, subject, ...request }: HttpRequest, url: URL): Record<string, string> {
  if (token === undefined || url.origin !== new URL(request.url).origin) return {};
  requireConfidential({
    secret: `the token of ${subject}`,
    host: url.hostname,
    tls: url.protocol === 'https:',
    allowCleartext: request.allowCleartext,
    setting: 'sources.NAME.allowCleartext',
  });
  return { authorization: `Bearer ${token}` };
}

/** Returns the content of an answer; undefined for an error status, or for other bytes than requested. */
function contentOf(request: HttpRequest, answer: Answer): HttpContent | undefined {
  const { message, status, url, resumed } = answer;
  const { headers } = message;
  const hasNoContent = NO_CONTENT.has(status);
  if (status !== 200 && status !== 206 && !hasNoContent) return undefined;
  requireOnlyPage(request.subject, headers);
  if (status !== 206) {
    const representation = representationOf(headers, url);
    const body = readBody(message, bodyOptions(request, representation.totalBytes));
    return { fromByte: 0, representation, hasNoContent, body };
  }
  if (resumed === undefined) throw unexpectedPartial(request);
  const range = readContentRange(headers['content-range']);
  const { representation, fromByte } = resumed;
  if (range === undefined || differenceFrom(representation, fromByte, headers) !== undefined)
    return undefined;
  const body = requireRest(request, range, readBody(message, bodyOptions(request, bytesIn(range))));
  return { fromByte, representation, hasNoContent, body };
}

/** Fails after a range that ends before the content does: the next attempt resumes there. */
async function* requireRest(
  { subject }: HttpRequest,
  { last, total }: ContentRange,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  yield* body;
  if (last + 1 === total) return;
  throw new PipelineError('SOURCE_UNREACHABLE', `${subject}: the server sent ${last + 1} of ${total} bytes`);
}

function bodyOptions(
  { subject, timeouts = DEFAULT_TIMEOUTS }: HttpRequest,
  promised: number | undefined,
): BodyOptions {
  return { subject, timeouts, promisedBytes: promised };
}

function unexpectedPartial({ subject }: HttpRequest): PipelineError {
  return new PipelineError(
    'SOURCE_UNREACHABLE',
    `${subject}: the server answered 206, a part of the content, where all of it was requested`,
  );
}
