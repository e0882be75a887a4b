import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { Decision } from '../model/run.ts';
import { readSettings } from '../model/settings.ts';
import { withExamples } from './help.ts';
import { print, printJson } from './output.ts';
import { withTemporal } from './temporal.ts';

interface DecideOptions {
  readonly json?: boolean;
}

const DESCRIPTIONS: Record<Decision, string> = {
  retry: 'Let a run that waits for a person try again.',
  skip: 'Let a run that waits for a person go on without the chunk or batch that failed; at a quarantine limit, go on with everything. It is recorded.',
  abort: 'End a run that waits for a person. What it landed stays.',
};

/** `pipeline retry RUN`, `pipeline skip RUN` or `pipeline abort RUN`: what a person tells a waiting run. */
export function decisionCommand(decision: Decision): Command {
  const run = 'ingest-pearson-2026-01-31T12-00-00-000Z';
  const command = new Command(decision)
    .description(DESCRIPTIONS[decision])
    .argument('<run>', 'a run’s workflow id; pipeline list shows them')
    .option('--json', 'as a JSON object')
    .action((named: string, options: DecideOptions) => decide(named, decision, options));
  return withExamples(
    command,
    ['pipeline list --state waiting', 'the runs that wait'],
    `pipeline ${decision} ${run}`,
  );
}

async function decide(run: string, decision: Decision, { json }: DecideOptions): Promise<void> {
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
    if (json === true) printJson({ run, decision });
    else print(`${run}: ${decision}`);
  });
}
