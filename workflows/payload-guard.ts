import {
  ApplicationFailure,
  type ActivityInput,
  type ContinueAsNewInput,
  type Next,
  type QueryInput,
  type UpdateInput,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { ERROR_CODES, type ErrorCode } from '../model/error-codes.ts';
import { describeExcess } from '../model/payload-limit.ts';

/**
 * Refuses payloads of a workflow that are larger than Temporal accepts with PAYLOAD_TOO_LARGE: the server would terminate
 * the run, without a row in `runs`. The worker's `ActivityErrors` does the same for results of activities.
 */
export function interceptors(): WorkflowInterceptors {
  const guard = new PayloadGuard();
  return { inbound: [guard], outbound: [guard] };
}

class PayloadGuard implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor {
  async execute(
    input: WorkflowExecuteInput,
    next: Next<WorkflowInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    return requireSmallResult('the result of the run', await next(input));
  }

  async handleQuery(
    input: QueryInput,
    next: Next<WorkflowInboundCallsInterceptor, 'handleQuery'>,
  ): Promise<unknown> {
    return requireSmallResult(`the answer to the query ${input.queryName}`, await next(input));
  }

  async handleUpdate(
    input: UpdateInput,
    next: Next<WorkflowInboundCallsInterceptor, 'handleUpdate'>,
  ): Promise<unknown> {
    return requireSmallResult(`the answer to the update ${input.name}`, await next(input));
  }

  scheduleActivity(
    input: ActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>,
  ): Promise<unknown> {
    requireFits(`the input of the activity ${input.activityType}`, input.args);
    return next(input);
  }

  continueAsNew(
    input: ContinueAsNewInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'continueAsNew'>,
  ): Promise<never> {
    requireFits('the state that the run continues with', input.args);
    return next(input);
  }
}

/** Returns a result that is small enough. */
function requireSmallResult(what: string, result: unknown): unknown {
  requireFits(what, [result]);
  return result;
}

/** @throws {ApplicationFailure} PAYLOAD_TOO_LARGE */
function requireFits(what: string, values: readonly unknown[]): void {
  const why = describeExcess(what, values);
  if (why === undefined) return;
  const code: ErrorCode = 'PAYLOAD_TOO_LARGE';
  throw ApplicationFailure.nonRetryable(why, code, ERROR_CODES[code].advice);
}
