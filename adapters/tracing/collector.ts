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

/** The running export of traces. */
export interface TraceExport {
  readonly runs: RunTraces;
  /** Flushes the remaining spans and stops. Never rejects: a failure is reported as a process warning. */
  readonly stop: () => Promise<void>;
}

/** Limits the delay by a collector that does not answer. */
const EXPORT_TIMEOUT_MS = 3_000;

/**
 * Exports traces as JSON over HTTP to the collector in OpenTelemetry's environment variables. OTEL_TRACES_SAMPLER
 * controls sampling.
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

/** Warns once per process: a collector that is down would cause a warning per export. */
function warn(error: unknown): void {
  if (isWarned) return;
  isWarned = true;
  process.emitWarning(`traces are lost: ${messageOf(error)}`);
}
