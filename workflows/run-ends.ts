import {
  ApplicationFailure,
  TemporalFailure,
  isCancellation,
  proxySinks,
  workflowInfo,
  type ActivityInput,
  type Next,
  type Sinks,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import type { Payload } from '@temporalio/common';
import type { IngestRequest, IngestResult, RunEnd } from '../model/run.ts';
import { SOURCE_NAME } from '../model/source-name.ts';
import { TRACE_HEADER } from '../model/trace-header.ts';

/** A run that ended. */
export interface RunEnded {
  readonly source: string;
  readonly end: RunEnd;
  /** In milliseconds since 1970. */
  readonly startedMs: number;
  /** The trace that the run was started in; undefined without tracing. */
  readonly trace: Payload | undefined;
}

/** Reports the ends of runs to the worker, outside of the history. */
export interface RunEndSinks extends Sinks {
  runs: { ended: (run: RunEnded) => void };
}

const { runs } = proxySinks<RunEndSinks>();

/** The end of a run by the type of its failure. */
const FAILED_AS: Readonly<Record<string, RunEnd>> = { ABORTED: 'aborted', UNDECIDED: 'undecided' };

/**
 * Reports the end of each run to the worker, adds the source to the run's log lines, and passes the trace on to the
 * activities. The commands of the workflow stay the same.
 */
export function interceptors(): WorkflowInterceptors {
  const observer = new Observer();
  return { inbound: [observer], outbound: [observer] };
}

class Observer implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor {
  #source: string | undefined;
  #trace: Payload | undefined;

  async execute(
    input: WorkflowExecuteInput,
    next: (input: WorkflowExecuteInput) => Promise<unknown>,
  ): Promise<unknown> {
    const [request] = input.args as [Partial<IngestRequest> | null | undefined];
    // The request is not validated yet.
    const source: unknown = request?.source;
    this.#source = typeof source === 'string' && SOURCE_NAME.pattern.test(source) ? source : undefined;
    this.#trace = input.headers[TRACE_HEADER];
    try {
      const result = await next(input);
      this.#ended((result as IngestResult).outcome);
      return result;
    } catch (error) {
      const end = endOf(error);
      if (end !== undefined) this.#ended(end);
      throw error;
    }
  }

  scheduleActivity(
    input: ActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>,
  ): Promise<unknown> {
    if (this.#trace === undefined) return next(input);
    return next({ ...input, headers: { ...input.headers, [TRACE_HEADER]: this.#trace } });
  }

  getLogAttributes(
    attributes: Record<string, unknown>,
    next: (attributes: Record<string, unknown>) => Record<string, unknown>,
  ): Record<string, unknown> {
    return next(this.#source === undefined ? attributes : { ...attributes, source: this.#source });
  }

  #ended(end: RunEnd): void {
    const { workflowType, startTime } = workflowInfo();
    if (workflowType !== 'ingest') return;
    const startedMs = startTime.getTime();
    runs.ended({ source: this.#source ?? '', end, startedMs, trace: this.#trace });
  }
}

/** Returns how an error ends a run; undefined where Temporal retries the workflow task instead. */
export function endOf(error: unknown): RunEnd | undefined {
  if (isCancellation(error)) return 'cancelled';
  if (error instanceof ApplicationFailure) return FAILED_AS[error.type ?? ''] ?? 'failed';
  return error instanceof TemporalFailure ? 'failed' : undefined;
}
