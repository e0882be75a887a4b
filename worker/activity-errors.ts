import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { keepAlive } from '../activities/run-context.ts';
import type { Logger } from '../adapters/log.ts';
import { PipelineError, messageOf } from '../model/errors.ts';

/**
 * Stands around every activity: it heartbeats while the activity runs, and tells Temporal of a named error
 * whether to try again, and when.
 */
export class ActivityErrors implements ActivityInboundCallsInterceptor {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const stop = keepAlive(Context.current());
    try {
      return await next(input);
    } catch (error) {
      throw this.#asFailure(error);
    } finally {
      stop();
    }
  }

  #asFailure(error: unknown): unknown {
    if (!(error instanceof PipelineError)) return error;
    const { activityType, attempt, workflowExecution } = Context.current().info;
    const message = messageOf(error);
    this.#logger.warn(
      { step: activityType, attempt, ...workflowExecution, code: error.code, error: message },
      'a step failed',
    );
    return ApplicationFailure.create({
      type: error.code,
      message,
      nonRetryable: !error.canRetry,
      details: [error.advice],
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
    });
  }
}
