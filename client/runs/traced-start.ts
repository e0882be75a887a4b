import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { RunTraces } from '../../adapters/tracing/run-traces.ts';
import { TRACE_HEADER } from '../../model/trace-header.ts';

/** Records the start of a run as a span, and passes its trace context to the run in a header. */
export function startTracingInterceptor(runs: RunTraces): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) =>
      runs.start(input.workflowType, (traceParent) => {
        const header = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(traceParent) };
        return next({ ...input, headers: { ...input.headers, ...header } });
      }),
  };
}
