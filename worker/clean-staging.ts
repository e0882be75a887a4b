import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from '../adapters/log.ts';
import type { Execution, Staging } from '../adapters/staging/staging.ts';
import { messageOf } from '../model/errors.ts';

/**
 * Removes what runs left in the staging folder that are not running any more, as after a crash or a termination. A
 * folder whose run cannot be asked for stays, and is tried again the next time.
 */
export async function cleanStaging(client: Client, staging: Staging, logger: Logger): Promise<void> {
  for (const execution of await staging.executions()) {
    const { workflowId: run, runId } = execution;
    try {
      if (await isRunning(client, execution)) continue;
      await staging.removeRun(execution);
      logger.info({ run, runId }, 'removed what a run that ended had left staged');
    } catch (error) {
      logger.warn({ run, runId, error: messageOf(error) }, 'what a run staged could not be cleaned up');
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

/** The rest of the interval between two sweeps is left to chance, so that workers that start at once do not stay so. */
const MIN_SHARE = 0.75;

/** Cleans the staging folder again and again while a worker runs: a run that is ended by force tidies nothing. */
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
    const share = MIN_SHARE + (1 - MIN_SHARE) * Math.random();
    this.#timer = setTimeout(() => void this.#run(), this.#intervalMs * share).unref();
  }

  async #run(): Promise<void> {
    try {
      await this.#sweep();
    } catch (error) {
      this.#logger.warn({ error: messageOf(error) }, 'the staging folder could not be swept');
    }
    if (!this.#isStopped) this.#schedule();
  }
}
