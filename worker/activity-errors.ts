import { ApplicationFailure, Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { keepAlive } from '../activities/run-context.ts';
import { truncate } from '../lib/truncate.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import { describeExcess } from '../model/payload-limit.ts';

/** The length limit of an error's message, and of its stack, in a run's history. */
const MAX_MESSAGE_LENGTH = 4_000;

/**
 * Wraps every activity: sends heartbeats while it runs, limits the size of its result and its errors, and converts a
 * PipelineError to a Temporal failure that says whether and when to retry.
 */
export class ActivityErrors implements ActivityInboundCallsInterceptor {
  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const stopHeartbeat = keepAlive(Context.current());
    try {
      const result = await next(input);
      requirePayloadFits(result);
      return result;
    } catch (error) {
      throw toFailure(error);
    } finally {
      stopHeartbeat();
    }
  }
}

/** @throws {PipelineError} PAYLOAD_TOO_LARGE */
function requirePayloadFits(result: unknown): void {
  const why = describeExcess(`the result of the activity ${Context.current().info.activityType}`, [result]);
  if (why !== undefined) throw new PipelineError('PAYLOAD_TOO_LARGE', why);
}

function toFailure(error: unknown): unknown {
  if (!(error instanceof PipelineError)) return truncateError(error);
  return ApplicationFailure.create({
    type: error.code,
    message: truncate(messageOf(error), MAX_MESSAGE_LENGTH),
    nonRetryable: !error.canRetry,
    details: [error.advice],
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}

/** Truncates long errors without a code: they may quote the data that they failed on. */
function truncateError(error: unknown): unknown {
  if (
    !(error instanceof Error) ||
    error instanceof TemporalFailure ||
    errorLength(error) <= MAX_MESSAGE_LENGTH
  )
    return error;
  const failure = ApplicationFailure.create({
    type: error.name,
    message: truncate(messageOf(error), MAX_MESSAGE_LENGTH),
  });
  if (error.stack !== undefined) failure.stack = truncate(error.stack, MAX_MESSAGE_LENGTH);
  return failure;
}

function errorLength(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  return error.message.length + (error.stack?.length ?? 0) + errorLength(error.cause);
}
