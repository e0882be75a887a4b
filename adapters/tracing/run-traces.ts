import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  trace,
  type Context,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { RandomIdGenerator, type IdGenerator } from '@opentelemetry/sdk-trace-base';
import { messageOf } from '../../model/errors.ts';

/** A workflow execution and its trace. */
export interface TracedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** The `traceparent` of {@link RunTraces.start}; undefined if the client that started the run has no tracing. */
  readonly traceParent: string | undefined;
}

/** Generates random ids, except within {@link RunIds.use}. */
export class RunIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: { traceId: string; spanId: string } | undefined;

  generateTraceId = (): string => this.#next?.traceId ?? this.#random.generateTraceId();
  generateSpanId = (): string => this.#next?.spanId ?? this.#random.generateSpanId();

  /** Calls `work`, which starts one span, with the given ids. */
  use(ids: { traceId: string; spanId: string }, work: () => void): void {
    this.#next = ids;
    try {
      work();
    } finally {
      this.#next = undefined;
    }
  }
}

/**
 * The spans of runs. The id of a run's span is derived from its run id, so activities on any worker know their parent
 * without tracing in the workflow. Temporal's workflow interceptors are not used: they change the order of a workflow's
 * commands, so runs that were started without them could not be replayed.
 */
export class RunTraces {
  readonly #tracer: Tracer;
  readonly #ids: RunIds;

  constructor(tracer: Tracer, ids: RunIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /**
   * Starts a run within a span.
   * @param start Called with the `traceparent` to pass to the run.
   */
  async start<T>(type: string, start: (traceParent: string) => Promise<T>): Promise<T> {
    return this.#tracer.startActiveSpan(`StartWorkflow:${type}`, { kind: SpanKind.CLIENT }, async (span) => {
      try {
        return await start(formatTraceParent(span.spanContext()));
      } finally {
        span.end();
      }
    });
  }

  /** Executes an activity within a child span of its run. */
  async activity<T>(name: string, run: TracedRun, attempt: number, work: () => Promise<T>): Promise<T> {
    const parent = trace.setSpanContext(ROOT_CONTEXT, idsOf(run));
    const attributes = { ...attributesOf(run), 'temporal.attempt': attempt };
    return this.#tracer.startActiveSpan(`RunActivity:${name}`, { attributes }, parent, async (span) => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** Records the span of a run that has ended. */
  ended(type: string, run: TracedRun, startedAt: Date, end: string): void {
    const attributes = { ...attributesOf(run), 'pipeline.state': end };
    this.#ids.use(idsOf(run), () => {
      this.#tracer.startSpan(`RunWorkflow:${type}`, { startTime: startedAt, attributes }, startOf(run)).end();
    });
  }
}

/** Returns the ids of a run's span: in the trace that started it, or in a trace derived from its run id. */
function idsOf({ runId, traceParent }: TracedRun): SpanContext {
  const digits = runId.replaceAll('-', '').toLowerCase();
  const started = traceParent === undefined ? null : parseTraceParent(traceParent);
  return {
    traceId: started?.traceId ?? digits,
    // A run id can begin with a timestamp; its end is random.
    spanId: digits.slice(-16),
    traceFlags: started?.traceFlags ?? TraceFlags.SAMPLED,
    isRemote: true,
  };
}

function startOf({ traceParent }: TracedRun): Context {
  const started = traceParent === undefined ? null : parseTraceParent(traceParent);
  return started === null ? ROOT_CONTEXT : trace.setSpanContext(context.active(), started);
}

function attributesOf({ workflowId, runId }: TracedRun): Record<string, string> {
  return { 'temporal.workflow_id': workflowId, 'temporal.run_id': runId };
}

/** Formats a `traceparent` (W3C Trace Context). */
function formatTraceParent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
