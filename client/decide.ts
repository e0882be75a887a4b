import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { Decision } from '../model/run.ts';
import { readSettings } from '../model/settings.ts';
import { print } from './output.ts';
import { withTemporal } from './temporal.ts';

const DESCRIPTIONS: Record<Decision, string> = {
  retry: 'Let a run that waits for a person try again.',
  skip: 'Let a run that waits for a person go on without the chunk or batch that failed; it is recorded.',
  abort: 'End a run that waits for a person. What it landed stays.',
};

/** `pipeline retry RUN`, `pipeline skip RUN` or `pipeline abort RUN`: what a person tells a waiting run. */
export function decisionCommand(decision: Decision): Command {
  return new Command(decision)
    .description(DESCRIPTIONS[decision])
    .argument('<run>', 'a run’s workflow id; pipeline status lists them')
    .action((run: string) => decide(run, decision));
}

async function decide(run: string, decision: Decision): Promise<void> {
  await withTemporal(readSettings(), async (client) => {
    try {
      await client.workflow.getHandle(run).executeUpdate(decision);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        throw new PipelineError('RUN_UNKNOWN', `no run ${JSON.stringify(run)} is under way`, {
          cause: error,
        });
      }
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new PipelineError('RUN_REFUSED', `${run}: ${messageOf(error.cause)}`, { cause: error });
    }
    print(`${run}: ${decision}`);
  });
}
