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

/** A run as Temporal knows it. */
export interface TracedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** What {@link RunTraces.start} gave to it, if whoever started it traces. */
  readonly traceParent: string | undefined;
}

/** Ids at random, but for what has one already. */
export class RunIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: { traceId: string; spanId: string } | undefined;

  generateTraceId = (): string => this.#next?.traceId ?? this.#random.generateTraceId();
  generateSpanId = (): string => this.#next?.spanId ?? this.#random.generateSpanId();

  /** Does something in which one span begins, with these ids. */
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
 * The spans of runs. A run's own span has an id that follows from its run id, so that each activity knows it, on
 * whatever worker, while the workflow itself need not know of traces: Temporal's own interceptors stand around its
 * updates too and so change the order of what it does, by which a run that began without them cannot be replayed.
 */
export class RunTraces {
  readonly #tracer: Tracer;
  readonly #ids: RunIds;

  constructor(tracer: Tracer, ids: RunIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /** Starts a run within a span. @param start Hears what to give to it. */
  async start<T>(type: string, start: (traceParent: string) => Promise<T>): Promise<T> {
    return this.#tracer.startActiveSpan(`StartWorkflow:${type}`, { kind: SpanKind.CLIENT }, async (span) => {
      try {
        return await start(textOf(span.spanContext()));
      } finally {
        span.end();
      }
    });
  }

  /** Does an activity within a span of its run. */
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

  /** Notes a run that ended. */
  ended(type: string, run: TracedRun, startedAt: Date, end: string): void {
    const attributes = { ...attributesOf(run), 'pipeline.state': end };
    this.#ids.use(idsOf(run), () => {
      this.#tracer.startSpan(`RunWorkflow:${type}`, { startTime: startedAt, attributes }, startOf(run)).end();
    });
  }
}

/** A run's own span: of the trace that it was started in, else of one that is named after it. */
function idsOf({ runId, traceParent }: TracedRun): SpanContext {
  const digits = runId.replaceAll('-', '').toLowerCase();
  const started = traceParent === undefined ? null : parseTraceParent(traceParent);
  return {
    traceId: started?.traceId ?? digits,
    // Of an id that begins with a time, the end is what is at random.
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

/** As the W3C's trace context writes it. */
function textOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
