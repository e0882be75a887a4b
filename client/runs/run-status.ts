import type { Client, WorkflowHandle } from '@temporalio/client';
import { statusOf } from '../../adapters/temporal.ts';
import { PipelineError } from '../../model/errors.ts';
import type { RunStatus } from '../../model/run.ts';

/** A worker that is up answers within milliseconds. */
const ANSWER_MS = 5_000;

/** What gRPC answers when nobody takes a query: the time is up (it says so in two ways), or no worker was seen lately. */
const UNANSWERED = new Set([1, 4, 9]);

/**
 * Asks a run how it is, which a worker answers.
 * @throws {PipelineError} WORKER_MISSING when none does.
 */
export async function queryRunStatus(client: Client, handle: WorkflowHandle): Promise<RunStatus> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS, () => handle.query<RunStatus>('status'));
  } catch (error) {
    if (!UNANSWERED.has(statusOf(error)?.code ?? 0)) throw error;
    const { taskQueue } = await handle.describe();
    throw new PipelineError(
      'WORKER_MISSING',
      `no worker of the task queue ${taskQueue} says how ${handle.workflowId} is`,
    );
  }
}
