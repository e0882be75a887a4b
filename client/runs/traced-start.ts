import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { RunTraces } from '../../adapters/tracing/run-traces.ts';
import { TRACE_HEADER } from '../../model/trace-header.ts';

/** Makes the start of a run a span, and tells the run of it. */
export function startTracingInterceptor(runs: RunTraces): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) =>
      runs.start(input.workflowType, (traceParent) => {
        const header = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(traceParent) };
        return next({ ...input, headers: { ...input.headers, ...header } });
      }),
  };
}
