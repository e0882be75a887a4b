import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { messageOf, PipelineError } from '../model/errors.ts';
import { isServedHost, MISDIRECTED } from '../model/host-header.ts';
import { type Exchange, sendJson } from './answers.ts';
import { answerAttempts, type AttemptsRoute, refuse } from './attempts-route.ts';
import { FileOrigin, generatorOrigin } from './content.ts';
import { type FaultInput, Faults, readFaults } from './faults.ts';
import { type LoggedRequest, type PathTotals, RequestLog } from './requests.ts';
import { Spool } from './spool.ts';

/** How a platform is started. */
export interface PlatformOptions {
  /** 0, which is the default, is any free port. */
  readonly port?: number;
  /** The bearer token that every request but `GET /health` must bring; none is asked for unless given. */
  readonly token?: string;
  /** The seed of requests that don't say; 1 unless given. */
  readonly seed?: number;
  /** How many attempts requests get that don't say; 3280 unless given. */
  readonly count?: number;
  /** A file to serve instead of generated attempts: JSON or lines of JSON, plain or gzip. */
  readonly file?: string;
  /** Where bodies are spooled; a folder of the system's temporary one unless given. */
  readonly spoolFolder?: string;
}

/** A running platform. */
export interface Platform {
  /** As `http://127.0.0.1:8300`. */
  readonly url: string;
  /** The last 1000 requests, the oldest first. */
  readonly requests: readonly LoggedRequest[];
  /** Requests, bytes and ranges by path. */
  readonly totals: ReadonlyMap<string, Readonly<PathTotals>>;
  /**
   * Makes coming requests of the attempts fail.
   *
   * @throws PipelineError SETTINGS_INVALID when a fault is none.
   */
  arm(...faults: readonly FaultInput[]): void;
  /** Takes back every fault that still waits. */
  disarm(): void;
  /** Stops listening, lets answers end for a moment, and frees the spooled bodies. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** How many bodies are kept that nobody reads. */
const SPOOLED_BODIES = 4;
/** How long answers may take to end when the platform closes. */
const GRACE_MS = 2000;
const MAX_FAULTS_BYTES = 64 * 1024;

/** The attempts, also under a path of a customer's own, so that faults and counts can be told apart. */
const ATTEMPTS_PATH = /^(\/[A-Za-z0-9_%-]+)?\/attempts$/;

/**
 * Starts a customer's platform: an HTTP server that publishes attempts, and misbehaves when it is told to.
 *
 * @throws PipelineError SETTINGS_INVALID when the file can't be read, SERVICE_PORT_TAKEN when the port is.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const { port = 0, token, seed = 1, count = 3280, file } = options;
  const route: AttemptsRoute = {
    origin: file === undefined ? generatorOrigin : await fileOrigin(file),
    defaults: { seed, count, servesFile: file !== undefined },
    spool: new Spool(options.spoolFolder ?? join(tmpdir(), 'assessment-platform'), SPOOLED_BODIES),
    faults: new Faults(),
    revision: 0,
  };
  const log = new RequestLog();
  const closing = new AbortController();
  const server = createServer((request, response) => {
    void answer({ route, log, token, closing: closing.signal }, request, response);
    response.once('close', () => {
      // A client may keep its connection for another request; there will be none.
      if (closing.signal.aborted) server.closeIdleConnections();
    });
  });
  await listening(server, port);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${HOST}:${bound}`,
    requests: log.last,
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
  // A file that can't be read is better known now than at the first request.
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

/** Stops listening at once; cuts what has not ended when the grace is over. */
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

/** What every answer of one platform is made with. */
interface Serving {
  readonly route: AttemptsRoute;
  readonly log: RequestLog;
  readonly token: string | undefined;
  readonly closing: AbortSignal;
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { log, closing } = serving;
  const path = request.url ?? '/';
  // A path as `//` is no URL of its own.
  const url = new URL(URL.canParse(path, `http://${HOST}`) ? path : '/', `http://${HOST}`);
  const entry = log.begin(request.method ?? 'GET', url, request.headers.range);
  const exchange: Exchange = { request, response, url, entry, log, closing };
  try {
    await routed(serving, exchange);
  } catch (thrown) {
    // The client has left, or the platform closes, or the body broke: a head that is out can't be taken back.
    if (response.headersSent || response.destroyed || closing.aborted) response.destroy();
    else sendJson(exchange, 500, { error: messageOf(thrown) });
  }
}

async function routed({ route, log, token }: Serving, exchange: Exchange): Promise<void> {
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
  if (token !== undefined && !bears(request.headers.authorization, token)) {
    sendJson(
      exchange,
      401,
      { error: 'A bearer token is needed.' },
      { 'www-authenticate': 'Bearer realm="attempts"' },
    );
    return;
  }
  if (ATTEMPTS_PATH.test(pathname)) {
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

/** Whether a page in a browser asks that is not the platform's: by a name of its own, or for a change. */
function isFromOtherPage({ headers, method = 'GET' }: IncomingMessage): boolean {
  const changes = !['GET', 'HEAD'].includes(method);
  return !isServedHost(headers.host) || (changes && headers.origin !== undefined);
}

/** Whether the method is one of these; answers 405 when it isn't. */
function allows(exchange: Exchange, methods: readonly string[]): boolean {
  if (methods.includes(exchange.entry.method)) return true;
  const allow = methods.join(', ');
  sendJson(exchange, 405, { error: `${exchange.entry.method} is not one of ${allow}.` }, { allow });
  return false;
}

/** Shows, arms or takes back faults; answers with those that wait. */
async function answerFaults(faults: Faults, exchange: Exchange): Promise<void> {
  const { method } = exchange.entry;
  if (method === 'DELETE') faults.disarm();
  if (method === 'POST') {
    const parsed = readFaults(await bodyOf(exchange.request));
    if ('problem' in parsed) {
      refuse(exchange, parsed.problem);
      return;
    }
    faults.arm(parsed.value);
  }
  sendJson(exchange, 200, faults.list());
}

/** The JSON of a request's body; undefined, which is no fault either, when it is none or is too long. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? Infinity) > MAX_FAULTS_BYTES) return undefined;
  try {
    return JSON.parse(await text(request)) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether the Authorization header bears the token. The time it takes says nothing of the token. */
function bears(authorization: string | undefined, token: string): boolean {
  const digest = (secret: string) => createHash('sha256').update(secret).digest();
  const brought = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(brought), digest(token));
}
