import type { Client, WorkflowHandle } from '@temporalio/client';
import { grpcStatusOf } from '../../adapters/temporal.ts';
import { PipelineError } from '../../model/errors.ts';
import type { RunStatus } from '../../model/run.ts';

/** A running worker answers within milliseconds. */
const QUERY_TIMEOUT_MS = 5_000;

/** gRPC statuses of a query without a worker: CANCELLED or DEADLINE_EXCEEDED, or FAILED_PRECONDITION without a recent poller. */
const NO_WORKER_STATUSES = new Set([1, 4, 9]);

/**
 * Queries a run's status, which a worker answers.
 * @throws {PipelineError} WORKER_MISSING when no worker answers within 5 s
 */
export async function queryRunStatus(client: Client, handle: WorkflowHandle): Promise<RunStatus> {
  try {
    return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => handle.query<RunStatus>('status'));
  } catch (error) {
    if (!NO_WORKER_STATUSES.has(grpcStatusOf(error)?.code ?? 0)) throw error;
    const { taskQueue } = await handle.describe();
    throw new PipelineError(
      'WORKER_MISSING',
      `no worker of the task queue ${taskQueue} answered the status query of ${handle.workflowId}`,
    );
  }
}
