import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { type Exchange, type BodyPace, sendBody, sendHead, sendJson, sendText } from './answers.ts';
import { type ServedContent, feedOptions, type Origin } from './content.ts';
import { type Fault, FAULT_PARAMETERS, type FaultQueue, readQueryFault } from './faults.ts';
import { generateFeed } from './feed.ts';
import { type AttemptsQuery, type Problem, type QueryDefaults, readQuery, type Validator } from './query.ts';
import { answerPage } from './pages.ts';
import { acceptsGzip, isKnown, selectionOf } from './ranges.ts';
import type { Spool, SpooledBody } from './spool.ts';

/** State of the route `GET /attempts`. */
export interface AttemptsRoute {
  readonly origin: Origin;
  readonly defaults: QueryDefaults;
  readonly spool: Spool;
  readonly faults: FaultQueue;
  /** Number of changes of the content. */
  revision: number;
}

/** The attempts of faults that replace a page. */
const PLAIN_QUERY = {
  format: 'json-array',
  compact: true,
  gzip: false,
  encoded: false,
  validator: 'none',
  fromMs: undefined,
  toMs: undefined,
  sinceMs: undefined,
} as const;

const NEVER_CHANGED = 'Mon, 01 Jan 2018 00:00:00 GMT';

const PAGE = '<!doctype html><title>Sign in</title><h1>Sign in</h1><p>Your session has ended.</p>\n';

/** Responds to GET and HEAD of the attempts, with the fault planned for this request. HEAD has no faults. */
export async function answerAttempts(route: AttemptsRoute, exchange: Exchange): Promise<void> {
  const { request, url, entry } = exchange;
  const own = readQueryFault(url.searchParams);
  if ('problem' in own) {
    sendInvalidParameter(exchange, own.problem);
    return;
  }
  const query = readQuery(url.searchParams, route.defaults, FAULT_PARAMETERS);
  if ('problem' in query) {
    sendInvalidParameter(exchange, query.problem);
    return;
  }
  const asked = {
    ...query.value,
    // A client that doesn't accept gzip gets the same content unencoded.
    encoded: query.value.encoded && acceptsGzip(request.headers['accept-encoding']),
  };
  if (request.method === 'HEAD') {
    await answerContent(route, exchange, asked);
    return;
  }
  const fault = route.faults.take(url.pathname, request.url ?? '', own.value);
  entry.fault = fault?.kind;
  await answerFaulty(route, exchange, asked, fault);
}

/** Responds with 400, naming the parameter, its value and what is allowed. */
export function sendInvalidParameter(exchange: Exchange, problem: Problem): void {
  const { parameter, value, allowed } = problem;
  sendJson(exchange, 400, { error: `${parameter}: ${value} must be ${allowed}.`, ...problem });
}

/** Responds to a request of a page, with the fault planned for it. */
export async function answerPages(route: AttemptsRoute, exchange: Exchange, body: unknown): Promise<void> {
  const { request, url, entry } = exchange;
  const fault = route.faults.take(url.pathname, request.url ?? '', undefined);
  entry.fault = fault?.kind;
  if (fault === undefined || ['cut', 'cycle', 'header'].includes(fault.kind)) {
    if (fault?.kind === 'header') exchange.response.setHeader(fault.name, fault.value);
    await answerPage(exchange, route.defaults, fault, body);
  } else await answerFaulty(route, exchange, { ...PLAIN_QUERY, ...route.defaults }, fault);
}

async function answerFaulty(
  route: AttemptsRoute,
  exchange: Exchange,
  query: AttemptsQuery,
  fault: Fault | undefined,
): Promise<void> {
  switch (fault?.kind) {
    case undefined:
      return answerContent(route, exchange, query);
    case 'cut':
      return answerContent(route, exchange, query, { cutAfter: fault.bytes });
    case 'slow':
      return answerContent(route, exchange, query, { bytesPerSecond: fault.bytesPerSecond });
    case 'changed':
      route.revision += 1;
      return answerContent(route, exchange, query);
    case 'swapped':
      route.revision += 1;
      return answerContent(route, exchange, query, { ignoresIfRange: true });
    case 'header':
      exchange.response.setHeader(fault.name, fault.value);
      return answerContent(route, exchange, query);
    case 'status':
      answerStatus(exchange, fault);
      return;
    case 'busy':
      sendJson(
        exchange,
        429,
        { error: 'Too many requests.' },
        { 'retry-after': String(fault.retryAfterSeconds) },
      );
      return;
    case 'html':
      sendText(exchange, 200, 'text/html; charset=utf-8', PAGE);
      return;
    case 'redirect':
      // Node sends each character of a header as one byte.
      sendText(exchange, 302, 'text/plain', 'Elsewhere.\n', {
        location: Buffer.from(fault.location).toString('latin1'),
      });
      return;
    case 'stall':
      // The connection stays open and silent until the client or the platform closes it.
      await once(exchange.response, 'close', { signal: exchange.closing });
      return;
    case 'cycle':
      sendJson(exchange, 400, { error: 'cycle is a fault of /pages.' });
      return;
    case 'truncated-gzip':
      return answerTruncated(route, exchange, { ...query, gzip: !query.encoded });
    case 'endless':
      return answerEndless(route, exchange, query);
  }
}

/** Sends a status, without a body where the RFC forbids one. */
function answerStatus(exchange: Exchange, fault: Extract<Fault, { kind: 'status' }>): void {
  const { status, retryAfterSeconds } = fault;
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  if (![204, 205, 304].includes(status)) {
    sendJson(exchange, status, { error: 'Injected fault.' }, headers);
    return;
  }
  sendHead(exchange, status, headers);
  exchange.response.end();
  exchange.entry.finished = true;
}

/** Deviations from the RFC in a response with the content. */
interface Deviation extends BodyPace {
  readonly ignoresIfRange?: boolean;
}

/** Responds with the content, the requested range of it, or 304 Not Modified. */
async function answerContent(
  route: AttemptsRoute,
  exchange: Exchange,
  query: AttemptsQuery,
  deviation: Deviation = {},
): Promise<void> {
  const content = await route.origin.content(query, route.revision);
  if (isKnown(exchange.request.headers['if-none-match'], content.etag)) {
    sendHead(exchange, 304, { etag: content.etag, vary: 'accept-encoding' });
    exchange.response.end();
    exchange.entry.finished = true;
    return;
  }
  await withBody(route, exchange, content, (body) =>
    answerPart(exchange, { ...content, ...validatorsOf(query.validator, content) }, body, deviation),
  );
}

/** Validators of a representation (ETag, Last-Modified), as headers. */
interface Validators {
  readonly validators: OutgoingHttpHeaders;
}

function validatorsOf(validator: Validator, { etag }: ServedContent): Validators {
  const byKind: Record<Validator, OutgoingHttpHeaders> = {
    strong: { etag },
    weak: { etag: `W/${etag}`, 'last-modified': NEVER_CHANGED },
    recent: { 'last-modified': new Date().toUTCString() },
    none: {},
  };
  return { validators: byKind[validator] };
}

async function answerPart(
  exchange: Exchange,
  content: ServedContent & Validators,
  body: SpooledBody,
  { ignoresIfRange = false, ...pace }: Deviation,
): Promise<void> {
  const { request, response, entry } = exchange;
  const { size } = body;
  const headers = { ...headersOf(content), ...content.validators, 'accept-ranges': 'bytes' };
  if (request.method === 'HEAD') {
    sendHead(exchange, 200, { ...headers, 'content-length': size });
    response.end();
    entry.finished = true;
    return;
  }
  const selection = selectionOf(request.headers, ignoresIfRange ? undefined : content.etag, size);
  if (selection.kind === 'unsatisfiable') {
    sendJson(
      exchange,
      416,
      { error: `The content has ${size} bytes.` },
      { 'content-range': `bytes */${size}` },
    );
    return;
  }
  const { start, end } = selection.kind === 'part' ? selection : { start: 0, end: size };
  const part = selection.kind === 'part' ? { 'content-range': `bytes ${start}-${end - 1}/${size}` } : {};
  sendHead(exchange, selection.kind === 'part' ? 206 : 200, {
    ...headers,
    ...part,
    'content-length': end - start,
  });
  await sendBody(exchange, body.read(start, end), pace);
}

/** Sends the first half of the gzip as if it were complete. It has no tag, so that no other request can resume it. */
async function answerTruncated(
  route: AttemptsRoute,
  exchange: Exchange,
  query: AttemptsQuery,
): Promise<void> {
  const content = await route.origin.content(query, route.revision);
  await withBody(route, exchange, content, async (body) => {
    const half = Math.floor(body.size / 2);
    sendHead(exchange, 200, { ...headersOf(content), 'content-length': half });
    await sendBody(exchange, body.read(0, half));
  });
}

/** Sends attempts without end, whatever content the platform serves otherwise. */
async function answerEndless(route: AttemptsRoute, exchange: Exchange, query: AttemptsQuery): Promise<void> {
  const plain = { ...query, gzip: false, encoded: false, count: Infinity };
  const { type } = await route.origin.content(plain, route.revision);
  sendHead(exchange, 200, { 'content-type': type });
  await sendBody(exchange, endless(plain, route.revision, exchange.closing));
}

async function* endless(
  query: AttemptsQuery,
  revision: number,
  closing: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  for (const piece of generateFeed(feedOptions(query, revision))) {
    yield piece;
    // Lets other work run: the writes to a client that reads fast never wait.
    await setImmediate(undefined, { signal: closing });
  }
}

function headersOf({ type, encoded }: ServedContent): OutgoingHttpHeaders {
  return {
    'content-type': type,
    vary: 'accept-encoding',
    ...(encoded ? { 'content-encoding': 'gzip' } : {}),
  };
}

async function withBody(
  { spool }: AttemptsRoute,
  { closing }: Exchange,
  content: ServedContent,
  use: (body: SpooledBody) => Promise<void>,
): Promise<void> {
  const body = await spool.take(content.etag, (to) => content.write(to, closing));
  try {
    await use(body);
  } finally {
    body.release();
  }
}
