import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError } from '../model/errors.ts';
import type { RunStatus } from '../model/run.ts';
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
    if (run === undefined) return printLatest(client, Number(options.limit), options.json === true);
    const handle = client.workflow.getHandle(run);
    try {
      const [answer, description] = await Promise.all([handle.query<RunStatus>('status'), handle.describe()]);
      if (options.json === true) return print(JSON.stringify(answer, null, 2));
      print(formatStatus(run, answer));
      print(uiUrlOf(settings, run, description.runId));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      throw new PipelineError('RUN_UNKNOWN', `there is no run ${JSON.stringify(run)}`, { cause: error });
    }
  });
}

async function printLatest(client: Client, limit: number, json: boolean): Promise<void> {
  const rows = [];
  for await (const run of client.workflow.list({ query: `WorkflowType = 'ingest'`, pageSize: limit })) {
    const text = (name: string): string => String(run.searchAttributes[name]?.[0] ?? '');
    rows.push({
      run: run.workflowId,
      source: text('PipelineSource'),
      step: text('PipelineStep'),
      state: run.status.name.toLowerCase(),
      landed: Number(text('PipelineRecordsLanded')),
      quarantined: Number(text('PipelineRecordsQuarantined')),
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
