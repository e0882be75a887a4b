import {
  ApplicationFailure,
  TemporalFailure,
  isCancellation,
  proxySinks,
  type Sinks,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import type { IngestRequest, IngestResult, RunOutcome } from '../model/run.ts';

/** How a run ended, for those who count runs. */
export type RunEnd = RunOutcome | 'aborted' | 'undecided' | 'cancelled' | 'failed';

/** What the worker hears of runs; it is no part of a run's history. */
export interface RunEndSinks extends Sinks {
  runs: { ended: (source: string, end: RunEnd) => void };
}

const { runs } = proxySinks<RunEndSinks>();

/** The states of runs that a workflow ends by itself, by the type of its failure. */
const FAILED_AS: Readonly<Record<string, RunEnd>> = { ABORTED: 'aborted', UNDECIDED: 'undecided' };

/** Tells the worker how each run ended; and has what is logged of a run name its source. */
export function interceptors(): WorkflowInterceptors {
  const observer = new Observer();
  return { inbound: [observer], outbound: [observer] };
}

class Observer implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor {
  #source: string | undefined;

  async execute(
    input: WorkflowExecuteInput,
    next: (input: WorkflowExecuteInput) => Promise<unknown>,
  ): Promise<unknown> {
    const [request] = input.args as [Partial<IngestRequest> | undefined];
    const source = String(request?.source);
    this.#source = source;
    try {
      const result = await next(input);
      runs.ended(source, (result as IngestResult).outcome);
      return result;
    } catch (error) {
      const end = endOf(error);
      if (end !== undefined) runs.ended(source, end);
      throw error;
    }
  }

  getLogAttributes(
    attributes: Record<string, unknown>,
    next: (attributes: Record<string, unknown>) => Record<string, unknown>,
  ): Record<string, unknown> {
    return next(this.#source === undefined ? attributes : { ...attributes, source: this.#source });
  }
}

/** Any other error does not end a run: its task is tried again, by a worker with a better version. */
function endOf(error: unknown): RunEnd | undefined {
  if (isCancellation(error)) return 'cancelled';
  if (error instanceof ApplicationFailure) return FAILED_AS[error.type ?? ''] ?? 'failed';
  return error instanceof TemporalFailure ? 'failed' : undefined;
}
