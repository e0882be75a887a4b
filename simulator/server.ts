import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { messageOf, PipelineError } from '../model/errors.ts';
import { isServedHost, MISDIRECTED } from '../model/host-header.ts';
import { type Exchange, sendJson } from './answers.ts';
import { answerAttempts, answerPages, type AttemptsRoute, sendInvalidParameter } from './attempts-route.ts';
import { FileOrigin, generatorOrigin } from './content.ts';
import { type FaultInput, FaultQueue, readFaults } from './faults.ts';
import { PAGES_PATH } from './pages.ts';
import { type LoggedRequest, type PathTotals, RequestLog } from './requests.ts';
import { Spool } from './spool.ts';
import { IssuedTokens, type TokenClient } from './tokens.ts';

/** Options of a platform. */
export interface PlatformOptions {
  /** 0, the default, selects a free port. */
  readonly port?: number;
  /** Bearer token required of every request but `GET /health`; none by default. */
  readonly token?: string;
  /** A client of OAuth 2.0: every request but `GET /health` and `POST /token` then needs one of its tokens. */
  readonly tokenClient?: TokenClient;
  /** Default of the requests' seed; 1 by default. */
  readonly seed?: number;
  /** Default of the requests' count; 3280 by default. */
  readonly count?: number;
  /** A file to serve instead of generated attempts: JSON or NDJSON, plain or gzip. */
  readonly file?: string;
  /** Folder of spooled bodies; a temporary one by default. */
  readonly spoolFolder?: string;
}

/** A running platform. */
export interface Platform {
  /** Such as `http://127.0.0.1:8300`. */
  readonly url: string;
  /** The latest 1000 requests, oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** The number of tokens issued. */
  readonly issuedTokens: number;
  /** Requests, bytes and ranges by path. */
  readonly totals: ReadonlyMap<string, Readonly<PathTotals>>;
  /**
   * Plans faults for the next requests of the attempts.
   *
   * @throws PipelineError SETTINGS_INVALID when a fault is invalid.
   */
  arm(...faults: readonly FaultInput[]): void;
  /** Removes the planned faults. */
  disarm(): void;
  /** Stops listening, lets responses end within a grace period, and frees the spooled bodies. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Limit of the unused bodies that are kept. */
const SPOOLED_BODIES = 4;
/** Grace period of responses when the platform closes, in milliseconds. */
const GRACE_MS = 2000;
const MAX_FAULTS_BYTES = 64 * 1024;

/** The path of the attempts, optionally below a customer's name, which separates faults and counts. */
const ATTEMPTS_PATH = /^(\/[A-Za-z0-9_%-]+)?\/attempts$/;

/**
 * Starts a customer's platform: an HTTP server that publishes attempts, with faults on request.
 *
 * @throws PipelineError SETTINGS_INVALID when the file can't be read, SERVICE_PORT_TAKEN when the port is in use.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const { port = 0, token, seed = 1, count = 3280, file } = options;
  const route: AttemptsRoute = {
    origin: file === undefined ? generatorOrigin : await fileOrigin(file),
    defaults: { seed, count, servesFile: file !== undefined },
    spool: new Spool(options.spoolFolder ?? join(tmpdir(), 'assessment-platform'), SPOOLED_BODIES),
    faults: new FaultQueue(),
    revision: 0,
  };
  const log = new RequestLog();
  const tokens = options.tokenClient === undefined ? undefined : new IssuedTokens(options.tokenClient);
  const closing = new AbortController();
  const server = createServer((request, response) => {
    void answer({ route, log, token, tokens, closing: closing.signal }, request, response);
    response.once('close', () => {
      // A client may hold its connection for another request, which won't come.
      if (closing.signal.aborted) server.closeIdleConnections();
    });
  });
  await listening(server, port);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${HOST}:${bound}`,
    requests: log.last,
    get issuedTokens() {
      return tokens?.issued ?? 0;
    },
    totals: log.totals,
    arm: (...faults) => {
      const parsed = readFaults(faults);
      if ('problem' in parsed) {
        const { parameter, value, allowed } = parsed.problem;
        throw new PipelineError('SETTINGS_INVALID', `A fault's ${parameter}: ${value} must be ${allowed}.`);
      }
      route.faults.arm(parsed.value);
    },
    disarm: () => {
      route.faults.disarm();
    },
    close: async () => {
      closing.abort();
      await closed(server);
      await route.spool.close();
    },
  };
}

async function fileOrigin(path: string): Promise<FileOrigin> {
  const origin = new FileOrigin(path);
  // Fails now, rather than at the first request, when the file can't be read.
  await origin.facts();
  return origin;
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new PipelineError('SERVICE_PORT_TAKEN', `The platform can't listen on ${HOST}:${port}.`, { cause });
  }
}

/** Stops listening at once; destroys connections that are open after the grace period. */
async function closed(server: Server): Promise<void> {
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, GRACE_MS);
  const ended = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await ended;
  clearTimeout(timer);
}

/** Dependencies of all responses of one platform. */
interface Serving {
  readonly route: AttemptsRoute;
  readonly log: RequestLog;
  readonly token: string | undefined;
  readonly tokens: IssuedTokens | undefined;
  readonly closing: AbortSignal;
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { log, closing } = serving;
  const path = request.url ?? '/';
  // A path such as `//` is no relative URL.
  const url = new URL(URL.canParse(path, `http://${HOST}`) ? path : '/', `http://${HOST}`);
  const entry = log.begin(request.method ?? 'GET', url, request.headers.range);
  const exchange: Exchange = { request, response, url, entry, log, closing };
  try {
    await routed(serving, exchange);
  } catch (thrown) {
    // The client or the platform closed, or the body failed: a head that was sent can't be changed.
    if (response.headersSent || response.destroyed || closing.aborted) response.destroy();
    else sendJson(exchange, 500, { error: messageOf(thrown) });
  }
}

async function routed(serving: Serving, exchange: Exchange): Promise<void> {
  const { token, tokens } = serving;
  const { request, url } = exchange;
  const { pathname } = url;
  if (isFromOtherPage(request)) {
    sendJson(exchange, MISDIRECTED, { error: 'A page of another site asks here.' });
    return;
  }
  if (pathname === '/health') {
    sendJson(exchange, 200, { status: 'up' });
    return;
  }
  if (tokens !== undefined && pathname === '/token') {
    if (allows(exchange, ['POST'])) await answerToken(tokens, exchange);
    return;
  }
  if (!isLoggedIn({ token, tokens }, request)) {
    sendJson(
      exchange,
      401,
      { error: 'A bearer token is needed.' },
      { 'www-authenticate': 'Bearer realm="attempts"' },
    );
    return;
  }
  await answerPath(serving, exchange);
}

/** Responds to a request that is logged in, by its path. */
async function answerPath({ route, log }: Serving, exchange: Exchange): Promise<void> {
  const { request, url } = exchange;
  const { pathname } = url;
  if (PAGES_PATH.test(pathname)) {
    if (allows(exchange, ['GET', 'POST'])) await answerPages(route, exchange, await bodyOf(request));
  } else if (ATTEMPTS_PATH.test(pathname)) {
    if (allows(exchange, ['GET', 'HEAD'])) await answerAttempts(route, exchange);
  } else if (pathname === '/faults') {
    if (allows(exchange, ['GET', 'POST', 'DELETE'])) await answerFaults(route.faults, exchange);
  } else if (pathname === '/requests') {
    if (allows(exchange, ['GET'])) {
      sendJson(exchange, 200, { last: log.last, totals: Object.fromEntries(log.totals) });
    }
  } else {
    sendJson(exchange, 404, { error: `Nothing is at ${pathname}; attempts are at /attempts.` });
  }
}

function isLoggedIn({ token, tokens }: Pick<Serving, 'token' | 'tokens'>, request: IncomingMessage): boolean {
  if (tokens !== undefined) return tokens.accepts(request);
  return token === undefined || bears(request.headers.authorization, token);
}

/** Issues a token (RFC 6749, 4.4). */
async function answerToken(tokens: IssuedTokens, exchange: Exchange): Promise<void> {
  const token = tokens.issue(exchange.request, new URLSearchParams(await text(exchange.request)));
  if (token === undefined) sendJson(exchange, 401, { error: 'invalid_client' });
  else sendJson(exchange, 200, { access_token: token, token_type: 'Bearer', expires_in: 3600 });
}

/** Returns whether a request comes from a page of another site in a browser: by its Host, or for a change. */
function isFromOtherPage({ headers, method = 'GET' }: IncomingMessage): boolean {
  const changes = !['GET', 'HEAD'].includes(method);
  return !isServedHost(headers.host) || (changes && headers.origin !== undefined);
}

/** Returns whether the method is allowed; responds with 405 when it isn't. */
function allows(exchange: Exchange, methods: readonly string[]): boolean {
  if (methods.includes(exchange.entry.method)) return true;
  const allow = methods.join(', ');
  sendJson(exchange, 405, { error: `${exchange.entry.method} is not one of ${allow}.` }, { allow });
  return false;
}

/** Lists, adds or removes planned faults; responds with the planned ones. */
async function answerFaults(faults: FaultQueue, exchange: Exchange): Promise<void> {
  const { method } = exchange.entry;
  if (method === 'DELETE') faults.disarm();
  if (method === 'POST') {
    const parsed = readFaults(await bodyOf(exchange.request));
    if ('problem' in parsed) {
      sendInvalidParameter(exchange, parsed.problem);
      return;
    }
    faults.arm(parsed.value);
  }
  sendJson(exchange, 200, faults.list());
}

/** Parses a request's body as JSON; undefined (never a valid fault) when it is malformed or too long. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? Infinity) > MAX_FAULTS_BYTES) return undefined;
  try {
    return JSON.parse(await text(request)) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns whether the Authorization header has the token, in constant time. */
function bears(authorization: string | undefined, token: string): boolean {
  const digest = (secret: string) => createHash('sha256').update(secret).digest();
  const brought = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(brought), digest(token));
}
