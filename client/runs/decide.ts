import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { type Decision, MAX_BY_LENGTH, MAX_REASON_LENGTH, type DecisionNote } from '../../model/decisions.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
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
  retry: 'Let a waiting run retry the step that failed.',
  skip: 'Let a waiting run continue without the chunk or batch that failed or, at a quarantine limit, continue with all records. The run records what was skipped.',
  abort: 'End a waiting run. The data that it landed stays in the tables.',
};

/** Examples of a reason. */
const REASONS: Record<Decision, string> = {
  retry: 'the customer’s server is back',
  skip: 'the customer will send these again',
  abort: 'the customer withdrew the delivery',
};

/** Creates `pipeline retry RUN`, `pipeline skip RUN` or `pipeline abort RUN`. */
export function decisionCommand(decision: Decision): Command {
  const run = 'ingest-pearson-2026-01-31T12-00-00-000Z';
  const command = new Command(decision)
    .description(DESCRIPTIONS[decision])
    .argument('<run>', 'a run’s workflow id; pipeline list shows them')
    .option('--reason <text>', 'why; recorded with your name in the run and in the table runs', parseReason)
    .option('--json', 'print a JSON object')
    .action((id: string, options: DecideOptions) => decide(id, decision, options));
  return withExamples(
    command,
    ['pipeline list --state waiting', 'the runs that wait for a decision'],
    [`pipeline ${decision} ${run} --reason "${REASONS[decision]}"`, 'recorded with your name'],
  );
}

/** @throws {InvalidArgumentError} for a blank or too long reason */
function parseReason(text: string): string {
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
        throw new PipelineError('RUN_UNKNOWN', `no run ${JSON.stringify(run)} is running`, {
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
