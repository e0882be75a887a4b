import { Command } from 'commander';
import type { IngestRequest } from '../../model/run.ts';
import { PipelineError } from '../../model/errors.ts';
import { readSettings, sourceOf, type SourceSettings } from '../../model/settings.ts';
import type { ingest } from '../../workflows/index.ts';
import { describeRequest, userAtHost } from './static-details.ts';
import { intervalOf, requireInterval, parseTimeArgument } from '../cli/arguments.ts';
import { confirm } from '../cli/output/confirm.ts';
import { EXIT } from '../cli/exit.ts';
import { followRun } from './follow.ts';
import { withExamples } from '../cli/help.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { formatStatus } from './progress.ts';
import { RUN_PREFIX, uiUrlOf, withTemporal } from '../cli/temporal.ts';

interface StartOptions {
  readonly from?: Date;
  readonly to?: Date;
  readonly again?: boolean;
  readonly yes?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Creates `pipeline start SOURCE`, which starts a run. */
export function startCommand(): Command {
  const command = new Command('start')
    .description('Start a run: fetch a source, publish its records, and land all new messages of its topic.')
    .argument('<source>', 'a source of pipeline.yaml')
    .option(
      '--from <time>',
      'start of the interval, for a source whose url contains {from}',
      parseTimeArgument,
    )
    .option('--to <time>', 'end of the interval, for a source whose url contains {to}', parseTimeArgument)
    .option('--again', 'ingest the content even if it was ingested before: its records then land twice')
    .option('--yes', 'with --again: do not ask for confirmation')
    .option('--follow', 'show progress on standard error until the run ends or waits for a person')
    .option('--json', 'print a JSON object: the run and, with --follow, its final status')
    .action(start);
  return withExamples(
    command,
    'pipeline start pearson --follow',
    ['pipeline start pearson --from 2026-01-01 --to 2026-01-02', 'the records of one day'],
    'pipeline start pearson --follow --json',
    ['pipeline start pearson --again --yes', 'ingest unchanged content a second time'],
  );
}

async function start(source: string, options: StartOptions): Promise<void> {
  const settings = readSettings();
  const { json } = options;
  const sourceSettings = sourceOf(settings, source);
  requireInterval(source, sourceSettings, options);
  if (options.again === true && !(await confirmAgain(source, sourceSettings, options.yes === true))) {
    printError('nothing was started');
    process.exitCode = EXIT.failed;
    return;
  }
  const again = options.again === true ? { again: true } : {};
  const request: IngestRequest = { source, ...intervalOf(options), ...again };
  await withTemporal(settings, async (client) => {
    const handle = await client.workflow.start<typeof ingest>('ingest', {
      taskQueue: settings.temporal.taskQueue,
      workflowId: `${RUN_PREFIX}-${source}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
      args: [request],
      ...describeRequest(request, userAtHost()),
    });
    const run = handle.workflowId;
    const url = uiUrlOf(settings, run, handle.firstExecutionRunId);
    if (json !== true) print([`started ${run}`, `see ${url}`]);
    if (options.follow !== true) {
      if (json === true) printJson({ run, source, url });
      return;
    }
    await followRun(client, run, (status) => {
      if (json === true) printJson({ run, source, url, status });
      else print(formatStatus(run, status));
    });
  });
}

/**
 * Asks for confirmation to ingest the same content again, unless --yes was given.
 * @throws {PipelineError} USAGE_INVALID when the source has no url, or standard input is no terminal
 */
async function confirmAgain(name: string, { url }: SourceSettings, isYes: boolean): Promise<boolean> {
  if (url === undefined)
    throw new PipelineError('USAGE_INVALID', `source ${name} has no url: there is nothing to ingest again`);
  if (isYes) return true;
  if (!process.stdin.isTTY)
    throw new PipelineError(
      'USAGE_INVALID',
      '--again lands records that were ingested before a second time: confirm with --yes',
    );
  return confirm(
    `Ingest the content of ${name} again? Records that landed before will be in the tables twice.`,
  );
}
