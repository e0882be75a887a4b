import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { SpanKind, SpanStatusCode, context, trace, type Span, type Tracer } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { wrapRequests, type RequestWrapper } from '../kafka/wire/send-request.ts';

/** Diagnostics channels of Node's HTTP client; the first exists since Node 22.12. */
const HTTP_REQUEST_CHANNELS = ['http.client.request.created', 'http.client.request.start'];
const HTTP_RESPONSE_CHANNEL = 'http.client.response.finish';

/**
 * Creates a span for each request to Kafka, HDFS and HTTP sources within an activity. Spans contain the server and the
 * status, never the payload or a URL's query, which can contain a token.
 */
export function traceRequests(tracer: Tracer): void {
  traceHttp(tracer);
  traceKafka(tracer);
}

/** Returns whether the current context is traced; the export of traces is not. */
function isTraced(): boolean {
  const active = context.active();
  return trace.getSpan(active) !== undefined && !isTracingSuppressed(active);
}

function traceHttp(tracer: Tracer): void {
  const spans = new WeakMap<ClientRequest, Span>();
  const begin = ({ request }: { request: ClientRequest }): void => {
    if (spans.has(request) || !isTraced()) return;
    const span = tracer.startSpan(nameOf(request), {
      kind: SpanKind.CLIENT,
      attributes: attributesOf(request),
    });
    spans.set(request, span);
    request.once('error', () => {
      span.setStatus({ code: SpanStatusCode.ERROR });
    });
    request.once('close', () => {
      span.end();
    });
  };
  const answered = ({ request, response }: { request: ClientRequest; response: IncomingMessage }): void => {
    const status = response.statusCode ?? 0;
    const span = spans.get(request)?.setAttribute('http.response.status_code', status);
    if (status >= 400) span?.setStatus({ code: SpanStatusCode.ERROR });
  };
  for (const channel of HTTP_REQUEST_CHANNELS)
    subscribe(channel, (message) => {
      begin(message as { request: ClientRequest });
    });
  subscribe(HTTP_RESPONSE_CHANNEL, (message) => {
    answered(message as { request: ClientRequest; response: IncomingMessage });
  });
}

const WEBHDFS = /\/webhdfs\/v1(\/.*)?$/;

/** Names a span by HDFS operation or HTTP method; paths would give unbounded cardinality. */
function nameOf({ method, path }: ClientRequest): string {
  const { pathname, searchParams } = new URL(path, 'http://host');
  return WEBHDFS.test(pathname)
    ? `HDFS ${searchParams.get('op')?.toUpperCase() ?? method}`
    : `HTTP ${method}`;
}

function attributesOf({ method, path, host }: ClientRequest): Record<string, string> {
  const { pathname } = new URL(path, 'http://host');
  const [, file] = WEBHDFS.exec(pathname) ?? [];
  return {
    'http.request.method': method,
    'server.address': host,
    ...(file === undefined ? {} : { 'url.path': pathname }),
  };
}

/** Creates a span for each request to Kafka. */
function traceKafka(tracer: Tracer): void {
  const traced: RequestWrapper = async ({ host, port }, apiName, send) => {
    if (!isTraced()) return send();
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.name': apiName,
      'server.address': host,
      'server.port': port,
    };
    const span = tracer.startSpan(`Kafka ${apiName}`, { kind: SpanKind.CLIENT, attributes });
    try {
      return await send();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  };
  wrapRequests(traced);
}
