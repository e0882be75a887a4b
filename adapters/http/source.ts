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

/** Where a source is, and what its settings allow. */
export interface HttpAccess {
  readonly url: string;
  /** The source, for messages; the url can hold a secret. */
  readonly subject: string;
  readonly token: string | undefined;
  /** Whether the token may be sent without TLS to other hosts than this one; false unless given. */
  readonly allowCleartext?: boolean | undefined;
  /** Hosts, as `host` or `host:port`, that a redirect may lead to besides the url's own; none gets the token. */
  readonly redirectHosts: readonly string[];
  /** Subnets that may be connected to though they are link-local, or nearer than the server that redirects there. */
  readonly allowAddresses?: readonly string[];
}

/** A request for a source's content. */
export interface HttpRequest extends HttpAccess {
  /** What an earlier answer was cut in, to go on with the same representation. */
  readonly resume: Resume | undefined;
  readonly signal: AbortSignal;
  readonly timeouts?: BodyTimeouts;
}

/** Where an earlier answer was cut. */
export interface Resume {
  readonly representation: Representation;
  readonly fromByte: number;
}

/** A body that is being received. */
export interface HttpContent {
  /** The byte of the content that the body begins with: 0, or the one that was requested. */
  readonly fromByte: number;
  /** Of the first answer, where the body goes on with it. */
  readonly representation: Representation;
  /** Whether the server said that there is no content at present (204, 205). */
  readonly hasNoContent: boolean;
  /** @throws {PipelineError} SOURCE_UNREACHABLE when it is cut, stalls, or has another length than promised. */
  readonly body: AsyncIterable<Buffer>;
}

const DEFAULT_TIMEOUTS: BodyTimeouts = { idleMs: 30_000, windowMs: 60_000, minBytesPerSecond: 1024 };
const MAX_REDIRECTS = 5;

/** The read-ahead of the connection, in bytes; Node's default is 64 KiB. */
const READ_AHEAD: { readonly highWaterMark: number } = { highWaterMark: 1 << 20 };

const UNSATISFIABLE = 416;

/** No Content and Reset Content. */
const NO_CONTENT: ReadonlySet<number> = new Set([204, 205]);

/** An answer, and where it came from. */
interface Answer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly url: URL;
  /** What was requested to go on with; undefined where all of the content was. */
  readonly resumed: Resume | undefined;
}

/**
 * Requests a source's content, or the rest of it. Where the rest is of another representation than what came
 * before, all of the content is requested instead.
 * @throws {PipelineError} SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED, SETTINGS_INVALID
 */
export async function openHttp(request: HttpRequest): Promise<HttpContent> {
  const answer = await follow(request);
  const { message, status, resumed } = answer;
  let content: HttpContent | undefined;
  try {
    content = contentOf(request, answer);
  } finally {
    if (content === undefined) message.destroy();
  }
  if (content !== undefined) return content;
  const startsOver = status === 206 || status === UNSATISFIABLE;
  if (resumed !== undefined && startsOver) return openHttp({ ...request, resume: undefined });
  throw statusError(request.subject, message);
}

/** The answer that redirects lead to. */
async function follow(request: HttpRequest): Promise<Answer> {
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

/** The rest is requested only from the address that the beginning came from. */
function resumeAt({ resume }: HttpRequest, url: URL): Resume | undefined {
  if (resume?.representation.validator === undefined) return undefined;
  return isRangeAt(resume.representation, url) ? resume : undefined;
}

/** One request of several that redirects lead to. */
interface Hop {
  readonly url: URL;
  readonly resumed: Resume | undefined;
  readonly redirectedFrom: Network | undefined;
}

/** @returns The answer, and the network of the address that was connected to. */
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
    // A connection that is kept may lead to an address that these rules don't allow.
    agent: false,
    ...READ_AHEAD,
  };
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options);
    const { idleMs } = request.timeouts ?? DEFAULT_TIMEOUTS;
    let network: Network = 'public';
    let answer: IncomingMessage | undefined;
    asked.setTimeout(idleMs);
    asked.on('timeout', () => {
      // Unread bytes are left: the reader is slow, not the server.
      if ((answer?.readableLength ?? 0) > 0) asked.setTimeout(idleMs);
      else asked.destroy(new Error(`the server sent nothing for ${idleMs / 1000} s`));
    });
    asked.on('socket', (socket) => {
      socket.once('connect', () => {
        network = networkOf(socket.remoteAddress ?? '');
      });
    });
    asked.on('response', (message) => {
      answer = message;
      resolve({ message, network });
    });
    asked.on('error', (error) => {
      reject(error instanceof PipelineError ? error : unreachable(request.subject, error));
    });
    asked.end();
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

/** The token, which is for the customer's own server alone. */
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

/** The content of an answer; undefined where it has none, or other bytes than the ones requested. */
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
  if (resumed === undefined) throw unasked(request);
  const range = readContentRange(headers['content-range']);
  const { representation, fromByte } = resumed;
  if (range === undefined || differenceFrom(representation, fromByte, headers) !== undefined)
    return undefined;
  const body = restOf(request, range, readBody(message, bodyOptions(request, bytesIn(range))));
  return { fromByte, representation, hasNoContent, body };
}

/** A server may send less than the rest; then the next try goes on from there. */
async function* restOf(
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

function unasked({ subject }: HttpRequest): PipelineError {
  return new PipelineError(
    'SOURCE_UNREACHABLE',
    `${subject}: the server answered 206, a part of the content, where all of it was requested`,
  );
}
