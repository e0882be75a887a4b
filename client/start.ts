import { Command } from 'commander';
import type { IngestRequest } from '../model/run.ts';
import { readSettings, sourceOf } from '../model/settings.ts';
import type { ingest } from '../workflows/index.ts';
import { aboutRun, userAtHost } from './about-run.ts';
import { intervalOf, requireInterval, timeOf } from './arguments.ts';
import { follow } from './follow.ts';
import { withExamples } from './help.ts';
import { print, printJson } from './output.ts';
import { formatStatus } from './progress.ts';
import { RUN_PREFIX, uiUrlOf, withTemporal } from './temporal.ts';

interface StartOptions {
  readonly from?: Date;
  readonly to?: Date;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** `pipeline start SOURCE`: starts a run. */
export function startCommand(): Command {
  const command = new Command('start')
    .description('Start a run: fetch a source and land whatever its topic holds.')
    .argument('<source>', 'a source of pipeline.yaml')
    .option('--from <time>', 'beginning of the interval, for a source whose url has {from}', timeOf)
    .option('--to <time>', 'end of the interval, for a source whose url has {to}', timeOf)
    .option('--follow', 'show on standard error how it goes, until it ends or waits for a person')
    .option('--json', 'as a JSON object: the run and, with --follow, its status in the end')
    .action(start);
  return withExamples(
    command,
    'pipeline start pearson --follow',
    ['pipeline start pearson --from 2026-01-01 --to 2026-01-02', 'an interval, where the url has one'],
    'pipeline start pearson --follow --json',
  );
}

async function start(source: string, options: StartOptions): Promise<void> {
  const settings = readSettings();
  const { json } = options;
  requireInterval(source, sourceOf(settings, source), options);
  const request: IngestRequest = { source, ...intervalOf(options) };
  await withTemporal(settings, async (client) => {
    const handle = await client.workflow.start<typeof ingest>('ingest', {
      taskQueue: settings.temporal.taskQueue,
      workflowId: `${RUN_PREFIX}-${source}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
      args: [request],
      ...aboutRun(request, userAtHost()),
    });
    const run = handle.workflowId;
    const url = uiUrlOf(settings, run, handle.firstExecutionRunId);
    if (json !== true) print([`started ${run}`, `see ${url}`]);
    if (options.follow !== true) {
      if (json === true) printJson({ run, source, url });
      return;
    }
    await follow(client, run, (status) => {
      if (json === true) printJson({ run, source, url, status });
      else print(formatStatus(run, status));
    });
  });
}
