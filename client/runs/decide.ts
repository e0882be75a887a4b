import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { MAX_BY_LENGTH, MAX_REASON_LENGTH, type DecisionNote } from '../../model/decisions.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { Decision } from '../../model/run.ts';
import { readSettings } from '../../model/settings.ts';
import { userAtHost } from './static-details.ts';
import { withExamples } from '../cli/help.ts';
import { print, printJson } from '../cli/output.ts';
import { withTemporal } from '../cli/temporal.ts';

interface DecideOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

const DESCRIPTIONS: Record<Decision, string> = {
  retry: 'Let a run that waits for a person try again.',
  skip: 'Let a run that waits for a person go on without the chunk or batch that failed; at a quarantine limit, go on with everything. It is recorded.',
  abort: 'End a run that waits for a person. What it landed stays.',
};

/** Examples of a reason. */
const REASONS: Record<Decision, string> = {
  retry: 'the customer’s server is back',
  skip: 'the customer will send these again',
  abort: 'the customer withdrew the delivery',
};

/** `pipeline retry RUN`, `pipeline skip RUN` or `pipeline abort RUN`: what a person tells a waiting run. */
export function decisionCommand(decision: Decision): Command {
  const run = 'ingest-pearson-2026-01-31T12-00-00-000Z';
  const command = new Command(decision)
    .description(DESCRIPTIONS[decision])
    .argument('<run>', 'a run’s workflow id; pipeline list shows them')
    .option('--reason <text>', 'why; the run keeps it with your name, and the table runs too', reasonOf)
    .option('--json', 'as a JSON object')
    .action((named: string, options: DecideOptions) => decide(named, decision, options));
  return withExamples(
    command,
    ['pipeline list --state waiting', 'the runs that wait'],
    [`pipeline ${decision} ${run} --reason "${REASONS[decision]}"`, 'kept with the name of who said it'],
  );
}

/** Reads a reason, which is not blank and not too long. */
function reasonOf(text: string): string {
  const reason = text.trim();
  if (reason !== '' && reason.length <= MAX_REASON_LENGTH) return reason;
  throw new InvalidArgumentError(`It must be a text of 1 to ${MAX_REASON_LENGTH} characters.`);
}

async function decide(run: string, decision: Decision, options: DecideOptions): Promise<void> {
  const { json, reason } = options;
  const note: DecisionNote = {
    by: userAtHost().slice(0, MAX_BY_LENGTH),
    ...(reason === undefined ? {} : { reason }),
  };
  await withTemporal(readSettings(), async (client) => {
    try {
      await client.workflow.getHandle(run).executeUpdate<unknown, [DecisionNote]>(decision, { args: [note] });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        throw new PipelineError('RUN_UNKNOWN', `no run ${JSON.stringify(run)} is under way`, {
          cause: error,
        });
      }
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new PipelineError('RUN_REFUSED', `${run}: ${messageOf(error.cause)}`, { cause: error });
    }
    if (json === true) printJson({ run, decision, ...(reason === undefined ? {} : { reason }) });
    else print(`${run}: ${decision}`);
  });
}
