import { Context } from '@temporalio/activity';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import type { RunTraces } from '../adapters/tracing/run-traces.ts';
import { TRACE_HEADER } from '../model/trace-header.ts';

/** Returns an interceptor that records each activity as a span of its run's trace. */
export function tracedActivities(runs: RunTraces): ActivityInboundCallsInterceptor {
  return {
    execute: (
      input: ActivityExecuteInput,
      next: Next<ActivityInboundCallsInterceptor, 'execute'>,
    ): Promise<unknown> => {
      const { activityType, attempt, workflowExecution } = Context.current().info;
      if (workflowExecution === undefined) return next(input);
      const run = { ...workflowExecution, traceParent: payloadText(input.headers[TRACE_HEADER]) };
      return runs.activity(activityType, run, attempt, () => next(input));
    },
  };
}

/** Decodes the text in a Temporal payload. */
export function payloadText(payload: Payload | undefined): string | undefined {
  return payload === undefined ? undefined : String(defaultPayloadConverter.fromPayload(payload));
}
