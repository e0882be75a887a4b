import type { IncomingMessage } from 'node:http';
import { requireConfidential } from '../../model/confidential.ts';
import { PipelineError } from '../../model/errors.ts';
import { readBody, type BodyOptions, type BodyTimeouts } from './body.ts';
import type { ConnectRules } from './connect.ts';
import type { Credentials, Login } from './login.ts';
import type { Network } from './networks.ts';
import { nextLinkOf, requireOnlyPage } from './pages.ts';
import { isRedirect, redirectTarget } from './redirects.ts';
import { bytesIn, differenceFrom, isRangeAt, readContentRange, representationOf } from './representation.ts';
import type { ContentRange, Representation } from './representation.ts';
import { pauseOf, statusError } from './statuses.ts';
import { transmit, type Transmitted } from './transmit.ts';

/** A source's URL and the settings for its access. */
export interface HttpAccess {
  readonly url: string;
  /** The source, for errors; the URL can contain a secret. */
  readonly subject: string;
  /** GET by default. */
  readonly method?: 'GET' | 'POST';
  /** Headers for the source's own server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body of a POST. */
  readonly body?: string | undefined;
  readonly login?: Login | undefined;
  /** The origin of the source's own server; by default that of the url. Only it receives the login and the headers. */
  readonly ownOrigin?: string;
  /** For a url that the source's own server linked to on another host: the network of its own server. */
  readonly linkedFrom?: Network | undefined;
  /** Whether other pages are read too; otherwise, an answer that is one page of several is an error. */
  readonly isPaged?: boolean;
  /** Whether the login may be sent to another host without TLS; default: false. */
  readonly allowCleartext?: boolean | undefined;
  /** Allowed hosts of redirects, as `host` or `host:port`, besides the URL's own; they never receive the login. */
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
  /** The URL that answered, after redirects. */
  readonly url: URL;
  /** The network of the source's own server. */
  readonly network: Network;
  /** The target of the header Link with the relation `next`, as sent; undefined without one. */
  readonly nextLink: string | undefined;
  /** The time to wait before the next request, in milliseconds, by the headers about rate limits. */
  readonly pauseMs: number;
  /** Whether the server has no content at present (204, 205). */
  readonly hasNoContent: boolean;
  /** @throws {PipelineError} SOURCE_UNREACHABLE when it is truncated, stalls, or has another length than declared. */
  readonly body: AsyncIterable<Buffer>;
}

const DEFAULT_TIMEOUTS: BodyTimeouts = { idleMs: 30_000, windowMs: 60_000, minBytesPerSecond: 1024 };
const MAX_REDIRECTS = 5;

/** The statuses of redirects that keep the method. */
const KEEP_METHOD: ReadonlySet<number> = new Set([307, 308]);

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
const UNSATISFIABLE = 416;

/** No Content and Reset Content. */
const NO_CONTENT: ReadonlySet<number> = new Set([204, 205]);

/** An answer and its URL. */
interface Answer {
  readonly message: IncomingMessage;
  readonly status: number;
  readonly url: URL;
  readonly network: Network;
  /** The resumed download; undefined if the whole content was requested. */
  readonly resumed: Resume | undefined;
}

/**
 * Requests a source's content, or the rest of it. If the representation has changed, requests the whole content
 * instead.
 * @throws {PipelineError} SOURCE_UNREACHABLE, SOURCE_BUSY, SOURCE_REFUSED, SOURCE_PAGED, SETTINGS_INVALID
 */
export async function openHttp(request: HttpRequest): Promise<HttpContent> {
  const answer = await logIn(request);
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
  throw statusError(subjectOf(request, answer), message);
}

/** Names the second step of a login in the error of a server that refuses a token it was given. */
function subjectOf({ subject, login, ownOrigin, url: first }: HttpRequest, answer: Answer): string {
  const { status, url, message } = answer;
  const isRefused = status === UNAUTHORIZED || status === FORBIDDEN;
  const isOwn = url.origin === (ownOrigin ?? new URL(first).origin);
  // With Retry-After, the status is of a rate limit.
  const isBusy = message.headers['retry-after'] !== undefined;
  if (login?.forget === undefined || !isRefused || !isOwn || isBusy) return subject;
  return `${subject}: the login failed at its second step, a request to ${url.host} with ${login.secret}`;
}

/** Sends the request; again with new credentials if the server refuses those of a login that can be renewed. */
async function logIn(request: HttpRequest): Promise<Answer> {
  const answer = await followRedirects(request);
  const { login } = request;
  if (answer.status !== UNAUTHORIZED || login?.forget === undefined) return answer;
  answer.message.destroy();
  login.forget();
  return followRedirects(request);
}

/** Sends the request and follows redirects; returns the last answer. */
async function followRedirects(request: HttpRequest): Promise<Answer> {
  let url = new URL(request.url);
  let redirectedFrom = request.linkedFrom;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const resumed = resumeAt(request, url);
    const { message, network } = await send(request, { url, resumed, redirectedFrom });
    const { statusCode: status = 0 } = message;
    const { location } = message.headers;
    if (!isRedirect(status, location))
      return { message, status, url, network: redirectedFrom ?? network, resumed };
    message.destroy();
    requireSameMethod(request, status);
    redirectedFrom ??= network;
    url = redirectTarget(request, url, location);
  }
  throw new PipelineError('SOURCE_REFUSED', `${request.subject}: more than ${MAX_REDIRECTS} redirects`);
}

/** Refuses a redirect by which a client may turn a POST into a GET (RFC 9110, 15.4). */
function requireSameMethod({ subject, method = 'GET' }: HttpRequest, status: number): void {
  if (method === 'GET' || KEEP_METHOD.has(status)) return;
  throw new PipelineError(
    'SOURCE_REFUSED',
    `${subject}: the server redirects a POST request with ${status}, not with 307 or 308`,
  );
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

/** Sends one request; the login and the source's own headers only to its own server. */
async function send(request: HttpRequest, hop: Hop): Promise<Transmitted> {
  const { method = 'GET', ownOrigin = new URL(request.url).origin, body, signal } = request;
  const isOwn = hop.url.origin === ownOrigin;
  if (method !== 'GET' && !isOwn) throw otherHostForBody(request, hop.url);
  const credentials = isOwn ? await credentialsFor(request, hop.url) : undefined;
  const url = new URL(hop.url);
  if (credentials?.query !== undefined) url.searchParams.set(...credentials.query);
  const headers = {
    accept: 'application/json, application/x-ndjson, application/gzip',
    'accept-encoding': 'gzip, identity',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(isOwn ? request.headers : {}),
    ...credentials?.headers,
    ...rangeOf(hop.resumed),
  };
  const rules = rulesOf(request, hop, credentials !== undefined);
  const { idleMs } = request.timeouts ?? DEFAULT_TIMEOUTS;
  return transmit({ url, method, headers, body, rules, signal, idleMs });
}

function rulesOf(request: HttpRequest, { url, redirectedFrom }: Hop, hasSecret: boolean): ConnectRules {
  const { subject, redirectHosts, allowAddresses: allowed = [], allowCleartext } = request;
  const loopbackOnly = hasSecret && url.protocol === 'http:' && allowCleartext !== true;
  return { subject, allowed, redirectedFrom, redirectHosts, loopbackOnly };
}

function rangeOf(resumed: Resume | undefined): Record<string, string> {
  const { validator } = resumed?.representation ?? {};
  if (resumed === undefined || validator === undefined) return {};
  return { range: `bytes=${resumed.fromByte}-`, 'if-range': validator };
}

/** Returns what a request to the source's own server carries to log in; undefined without a login. */
async function credentialsFor(request: HttpRequest, url: URL): Promise<Credentials | undefined> {
  const { login } = request;
  if (login === undefined) return undefined;
  requireConfidential({
    secret: login.secret,
    host: url.hostname,
    tls: url.protocol === 'https:',
    allowCleartext: request.allowCleartext,
    setting: 'sources.NAME.allowCleartext',
  });
  return login.credentials(request.signal);
}

function otherHostForBody({ subject }: HttpRequest, { host }: URL): PipelineError {
  return new PipelineError(
    'SOURCE_REFUSED',
    `${subject}: a POST request would go to another host, ${host}, than that of the source’s url`,
  );
}

/** Returns the content of an answer; undefined for an error status, or for other bytes than requested. */
function contentOf(request: HttpRequest, answer: Answer): HttpContent | undefined {
  const { message, status, url, network, resumed } = answer;
  const { headers } = message;
  const hasNoContent = NO_CONTENT.has(status);
  if (status !== 200 && status !== 206 && !hasNoContent) return undefined;
  if (request.isPaged !== true) requireOnlyPage(request.subject, headers);
  const about = { url, network, nextLink: nextLinkOf(headers), pauseMs: pauseOf(headers) };
  if (status !== 206) {
    const representation = representationOf(headers, url);
    const body = readBody(message, bodyOptions(request, representation.totalBytes));
    return { ...about, fromByte: 0, representation, hasNoContent, body };
  }
  if (resumed === undefined) throw unexpectedPartial(request);
  const range = readContentRange(headers['content-range']);
  const { representation, fromByte } = resumed;
  if (range === undefined || differenceFrom(representation, fromByte, headers) !== undefined)
    return undefined;
  const body = requireRest(request, range, readBody(message, bodyOptions(request, bytesIn(range))));
  return { ...about, fromByte, representation, hasNoContent, body };
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
