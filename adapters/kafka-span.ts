import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type Connection from 'kafkajs/src/network/connection.js';

/** Names the tracer of the pipeline. */
export const TRACER = 'assessment-pipeline';

/** Whether what runs is part of a trace; the sending of traces is not. */
export function isTraced(): boolean {
  const active = context.active();
  return trace.getSpan(active) !== undefined && !isTracingSuppressed(active);
}

/**
 * Makes a request to Kafka a span within what runs, if that is part of a trace.
 * @param apiName The request's kind, as Produce.
 */
export async function inKafkaSpan<T>(
  { host, port }: Connection,
  apiName: string,
  send: () => Promise<T>,
): Promise<T> {
  if (!isTraced()) return send();
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.operation.name': apiName,
    'server.address': host,
    'server.port': port,
  };
  const span = trace.getTracer(TRACER).startSpan(`Kafka ${apiName}`, { kind: SpanKind.CLIENT, attributes });
  try {
    return await send();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}
