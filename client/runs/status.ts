import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError } from '../../model/errors.ts';
import type { RunStatus } from '../../model/run.ts';
import { readSettings, type Settings } from '../../model/settings.ts';
import { followRun } from './follow.ts';
import { withExamples } from '../cli/help.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { formatStatus } from './progress.ts';
import { queryRunStatus } from './run-status.ts';
import { formatRuns, listRuns } from './runs.ts';
import { uiUrlOf, withTemporal } from '../cli/temporal.ts';

interface StatusOptions {
  readonly follow?: boolean;
  readonly json?: boolean;
}

const MAX_LATEST = 5;

/** Creates `pipeline status [RUN]`, which shows one run or the latest ones. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description(
      `Show the progress of a run and what it waits for; without RUN, list the ${MAX_LATEST} latest runs.`,
    )
    .argument('[run]', 'a run’s workflow id')
    .option('--follow', 'show progress on standard error until the run ends or waits for a person')
    .option('--json', 'print JSON')
    .action(status);
  return withExamples(
    command,
    'pipeline status',
    'pipeline status ingest-pearson-2026-01-31T12-00-00-000Z',
    'pipeline status ingest-pearson-2026-01-31T12-00-00-000Z --follow',
    'pipeline status ingest-pearson-2026-01-31T12-00-00-000Z --json',
  );
}

async function status(run: string | undefined, options: StatusOptions): Promise<void> {
  const { json } = options;
  if (run === undefined && options.follow === true)
    throw new PipelineError('USAGE_INVALID', '--follow shows one run: give its workflow id');
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    if (run !== undefined) return printStatus(client, settings, run, options);
    const rows = await listRuns(client, settings, { limit: MAX_LATEST });
    if (json === true) {
      printJson(rows);
      return;
    }
    print(formatRuns(rows));
    if (rows.length === MAX_LATEST) printError('These are the latest runs; pipeline list shows more.');
  });
}

async function printStatus(
  client: Client,
  settings: Settings,
  run: string,
  { json, follow: isFollowed }: StatusOptions,
): Promise<void> {
  const handle = client.workflow.getHandle(run);
  try {
    const { runId } = await handle.describe();
    const show = (answer: RunStatus): void => {
      if (json === true) printJson(answer);
      else print([...formatStatus(run, answer), uiUrlOf(settings, run, runId)]);
    };
    if (isFollowed === true) await followRun(client, run, show);
    else show(await queryRunStatus(client, handle));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new PipelineError('RUN_UNKNOWN', `there is no run ${JSON.stringify(run)}`, { cause: error });
  }
}
