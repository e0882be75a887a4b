import type { Client } from '@temporalio/client';
import { PipelineError, messageOf } from '../model/errors.ts';

/**
 * Returns the run ids of all workflows of the namespace that have not ended, also of those that wait for a decision.
 * @throws {PipelineError} TEMPORAL_UNREACHABLE
 */
export async function openRunIds(client: Client): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  try {
    for await (const { runId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` }))
      ids.add(runId);
    return ids;
  } catch (cause) {
    throw new PipelineError('TEMPORAL_UNREACHABLE', `could not list the open runs: ${messageOf(cause)}`, {
      cause,
    });
  }
}
