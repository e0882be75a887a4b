import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { context, trace } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { messageOf } from '../../model/errors.ts';
import { RunIds, RunTraces } from './run-traces.ts';
import { traceRequests } from './traced-requests.ts';

/** Traces that are on. */
export interface TraceExport {
  readonly runs: RunTraces;
  /** Sends what has not been sent. Where that fails, a warning says so: nothing else fails for it. */
  readonly stop: () => Promise<void>;
}

/** A collector that does not answer holds nobody up for longer. */
const EXPORT_TIMEOUT_MS = 3_000;

/**
 * Sends traces to the collector that the environment variables of OpenTelemetry name, as JSON over HTTP. How many
 * are kept, OTEL_TRACES_SAMPLER says.
 */
export function traceTo(service: string): TraceExport {
  const ids = new RunIds();
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service }))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS }), {
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  setGlobalErrorHandler(warn);
  const tracer = provider.getTracer('assessment-pipeline');
  traceRequests(tracer);
  return { runs: new RunTraces(tracer, ids), stop: () => provider.shutdown().catch(warn) };
}

let isWarned = false;

/** Once: what cannot be reached now cannot be reached a second later either. */
function warn(error: unknown): void {
  if (isWarned) return;
  isWarned = true;
  process.emitWarning(`traces are lost: ${messageOf(error)}`);
}
