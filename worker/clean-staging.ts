import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from '../adapters/log.ts';
import type { Execution, Staging } from '../adapters/staging.ts';

/** Removes what runs left in the staging folder that are not running any more, as after a crash. */
export async function cleanStaging(client: Client, staging: Staging, logger: Logger): Promise<void> {
  for (const execution of await staging.executions()) {
    if (await isRunning(client, execution)) continue;
    await staging.remove(staging.folderOf(execution));
    const { workflowId: run, runId } = execution;
    logger.info({ run, runId }, 'removed what a run that ended had left staged');
  }
}

async function isRunning(client: Client, { workflowId, runId }: Execution): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId, runId).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
