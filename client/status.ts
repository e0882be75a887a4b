import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError } from '../model/errors.ts';
import type { RunStatus } from '../model/run.ts';
import { RECORDS_LANDED, RECORDS_QUARANTINED, SOURCE, STEP } from '../model/search-attributes.ts';
import { readSettings } from '../model/settings.ts';
import { formatTable, print } from './output.ts';
import { formatStatus } from './progress.ts';
import { uiUrlOf, withTemporal } from './temporal.ts';

interface StatusOptions {
  readonly json?: boolean;
  readonly limit: string;
}

/** `pipeline status [RUN]`: where a run is, or the latest runs. */
export function statusCommand(): Command {
  return new Command('status')
    .description('Show where a run is; without one, the latest runs.')
    .argument('[run]', 'a run’s workflow id')
    .option('--limit <n>', 'how many of the latest runs', '10')
    .option('--json', 'as JSON')
    .action(status);
}

async function status(run: string | undefined, options: StatusOptions): Promise<void> {
  const settings = readSettings();
  await withTemporal(settings, async (client) => {
    if (run === undefined) {
      await printLatest(client, Number(options.limit), options.json === true);
      return;
    }
    const handle = client.workflow.getHandle(run);
    try {
      const [answer, description] = await Promise.all([handle.query<RunStatus>('status'), handle.describe()]);
      if (options.json === true) print(JSON.stringify(answer, null, 2));
      else print(`${formatStatus(run, answer)}\n${uiUrlOf(settings, run, description.runId)}`);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      throw new PipelineError('RUN_UNKNOWN', `there is no run ${JSON.stringify(run)}`, { cause: error });
    }
  });
}

async function printLatest(client: Client, limit: number, json: boolean): Promise<void> {
  const rows = [];
  for await (const run of client.workflow.list({ query: `WorkflowType = 'ingest'`, pageSize: limit })) {
    const found = run.typedSearchAttributes;
    rows.push({
      run: run.workflowId,
      source: found.get(SOURCE) ?? '',
      step: found.get(STEP) ?? '',
      state: run.status.name.toLowerCase(),
      landed: found.get(RECORDS_LANDED) ?? 0,
      quarantined: found.get(RECORDS_QUARANTINED) ?? 0,
      started: run.startTime.toISOString(),
    });
    if (rows.length >= limit) break;
  }
  if (json) print(JSON.stringify(rows, null, 2));
  else
    print(
      formatTable(
        ['run', 'source', 'step', 'state', 'landed', 'quarantined', 'started'],
        rows.map((row) => Object.values(row)),
      ),
    );
}
