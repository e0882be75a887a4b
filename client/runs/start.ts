import { Command } from 'commander';
import type { IngestRequest } from '../../model/run.ts';
import { PipelineError } from '../../model/errors.ts';
import { readSettings, sourceOf, type SourceSettings } from '../../model/settings.ts';
import type { ingest } from '../../workflows/index.ts';
import { runDetails, userAtHost } from './static-details.ts';
import { intervalOf, requireInterval, parseTimeArgument } from '../cli/arguments.ts';
import { confirm } from '../cli/output/confirm.ts';
import { EXIT } from '../cli/exit.ts';
import { follow } from './follow.ts';
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

/** `pipeline start SOURCE`: starts a run. */
export function startCommand(): Command {
  const command = new Command('start')
    .description('Start a run: fetch a source and land whatever its topic holds.')
    .argument('<source>', 'a source of pipeline.yaml')
    .option(
      '--from <time>',
      'beginning of the interval, for a source whose url has {from}',
      parseTimeArgument,
    )
    .option('--to <time>', 'end of the interval, for a source whose url has {to}', parseTimeArgument)
    .option('--again', 'ingest the content also where it was ingested before: its records then land twice')
    .option('--yes', 'with --again: do not ask')
    .option('--follow', 'show on standard error how it goes, until it ends or waits for a person')
    .option('--json', 'as a JSON object: the run and, with --follow, its status in the end')
    .action(start);
  return withExamples(
    command,
    'pipeline start pearson --follow',
    ['pipeline start pearson --from 2026-01-01 --to 2026-01-02', 'an interval, where the url has one'],
    'pipeline start pearson --follow --json',
    ['pipeline start pearson --again --yes', 'a content that was ingested before, once more'],
  );
}

async function start(source: string, options: StartOptions): Promise<void> {
  const settings = readSettings();
  const { json } = options;
  const of = sourceOf(settings, source);
  requireInterval(source, of, options);
  if (options.again === true && !(await isAgain(source, of, options.yes === true))) {
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
      ...runDetails(request, userAtHost()),
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

/**
 * Whether a person wants to ingest a content again.
 * @throws {PipelineError} USAGE_INVALID where there is nothing to fetch, or nobody to ask.
 */
async function isAgain(name: string, { url }: SourceSettings, isYes: boolean): Promise<boolean> {
  if (url === undefined)
    throw new PipelineError('USAGE_INVALID', `source ${name} has no url: there is nothing to ingest again`);
  if (isYes) return true;
  if (!process.stdin.isTTY)
    throw new PipelineError(
      'USAGE_INVALID',
      '--again doubles what was ingested before: confirm it with --yes',
    );
  return confirm(
    `Ingest the content of ${name} again? Records that landed before then are in the tables twice.`,
  );
}
