import { ApplicationFailure, Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { keepAlive } from '../activities/run-context.ts';
import { truncate } from '../lib/truncate.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { whyTooLarge } from '../model/payload-limit.ts';

/** How many characters of an error's message, and of its stack, a run's history keeps. */
const MAX_MESSAGE = 4_000;

/**
 * Stands around every activity: it heartbeats while the activity runs, and tells Temporal of a named error
 * whether to try again, and when. What an activity hands to Temporal, a result or an error, is bounded here.
 */
export class ActivityErrors implements ActivityInboundCallsInterceptor {
  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const stop = keepAlive(Context.current());
    try {
      const result = await next(input);
      requireFits(result);
      return result;
    } catch (error) {
      throw asFailure(error);
    } finally {
      stop();
    }
  }
}

/** @throws {PipelineError} PAYLOAD_TOO_LARGE */
function requireFits(result: unknown): void {
  const why = whyTooLarge(`the result of the activity ${Context.current().info.activityType}`, [result]);
  if (why !== undefined) throw new PipelineError('PAYLOAD_TOO_LARGE', why);
}

function asFailure(error: unknown): unknown {
  if (!(error instanceof PipelineError)) return shortened(error);
  return ApplicationFailure.create({
    type: error.code,
    message: truncate(messageOf(error), MAX_MESSAGE),
    nonRetryable: !error.canRetry,
    details: [error.advice],
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}

/** An error that has no name, as it is where it is short; a long one may quote what it failed at. */
function shortened(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TemporalFailure || lengthOf(error) <= MAX_MESSAGE)
    return error;
  const failure = ApplicationFailure.create({
    type: error.name,
    message: truncate(messageOf(error), MAX_MESSAGE),
  });
  if (error.stack !== undefined) failure.stack = truncate(error.stack, MAX_MESSAGE);
  return failure;
}

function lengthOf(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  return error.message.length + (error.stack?.length ?? 0) + lengthOf(error.cause);
}
