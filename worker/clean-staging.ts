import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from '../adapters/log.ts';
import type { Execution, Staging } from '../adapters/staging/staging.ts';
import { messageOf } from '../model/errors.ts';

/**
 * Removes the staging folders of runs that no longer run, for example after a crash or a termination. If a run's status
 * cannot be read, its folder is kept until the next time.
 */
export async function cleanStaging(client: Client, staging: Staging, logger: Logger): Promise<void> {
  for (const execution of await staging.executions()) {
    const { workflowId: run, runId } = execution;
    try {
      if (await isRunning(client, execution)) continue;
      await staging.removeRun(execution);
      logger.info({ run, runId }, 'removed the staged files of a run that ended');
    } catch (error) {
      logger.warn({ run, runId, error: messageOf(error) }, 'could not remove the staged files of a run');
    }
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

/** The rest of the interval is random (jitter), so that workers that start together do not sweep together. */
const MIN_INTERVAL_SHARE = 0.75;

/** Cleans the staging folder periodically while a worker runs, since a terminated run does not clean up. */
export class StagingSweeper {
  readonly #sweep: () => Promise<void>;
  readonly #intervalMs: number;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param intervalMs The longest time between two sweeps. */
  constructor(sweep: () => Promise<void>, intervalMs: number, logger: Logger) {
    this.#sweep = sweep;
    this.#intervalMs = intervalMs;
    this.#logger = logger;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const share = MIN_INTERVAL_SHARE + (1 - MIN_INTERVAL_SHARE) * Math.random();
    this.#timer = setTimeout(() => void this.#run(), this.#intervalMs * share).unref();
  }

  async #run(): Promise<void> {
    try {
      await this.#sweep();
    } catch (error) {
      this.#logger.warn({ error: messageOf(error) }, 'could not clean up the staging folder');
    }
    if (!this.#isStopped) this.#schedule();
  }
}
