import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { keepAlive } from '../activities/run-context.ts';
import { PipelineError, messageOf } from '../model/errors.ts';

/**
 * Stands around every activity: it heartbeats while the activity runs, and tells Temporal of a named error
 * whether to try again, and when.
 */
export class ActivityErrors implements ActivityInboundCallsInterceptor {
  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const stop = keepAlive(Context.current());
    try {
      return await next(input);
    } catch (error) {
      throw asFailure(error);
    } finally {
      stop();
    }
  }
}

function asFailure(error: unknown): unknown {
  if (!(error instanceof PipelineError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: messageOf(error),
    nonRetryable: !error.canRetry,
    details: [error.advice],
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}
