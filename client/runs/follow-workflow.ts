import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { printError } from '../cli/output.ts';

/** A workflow that answers the query `status` with its result so far. */
interface FollowedWorkflow<Result> {
  readonly workflowId: string;
  result(): Promise<Result>;
  query<Status>(name: string): Promise<Status>;
}

const POLL_MS = 500;

/**
 * Shows progress on standard error until a workflow ends, and returns its result.
 * @param progressOf Returns the line to show; undefined is passed until a worker answers.
 * @throws {PipelineError} RUN_FAILED
 */
export async function followWorkflow<Result>(
  client: Client,
  handle: FollowedWorkflow<Result>,
  progressOf: (status: Result | undefined) => string,
): Promise<Result> {
  const stop = new AbortController();
  const ended = client.withAbortSignal(stop.signal, () => handle.result());
  try {
    let shown = '';
    for (;;) {
      const result = await Promise.race([ended, sleep(POLL_MS, undefined)]);
      if (result !== undefined) return result;
      const line = progressOf(await handle.query<Result>('status').catch(() => undefined));
      if (line !== shown) printError(line);
      shown = line;
    }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new PipelineError('RUN_FAILED', `${handle.workflowId}: ${messageOf(error.cause)}`, {
      cause: error,
    });
  } finally {
    stop.abort();
  }
}
