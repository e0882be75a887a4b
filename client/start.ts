import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandleWithStartDetails } from '@temporalio/client';
import { Command } from 'commander';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { IngestRequest, RunStatus } from '../model/run.ts';
import { readSettings, sourceOf } from '../model/settings.ts';
import type { ingest } from '../workflows/index.ts';
import { EXIT } from './exit.ts';
import { print, printError } from './output.ts';
import { formatLine, formatStatus } from './progress.ts';
import { RUN_PREFIX, uiUrlOf, withTemporal } from './temporal.ts';

interface StartOptions {
  readonly from?: string;
  readonly to?: string;
  readonly follow?: boolean;
}

type Handle = WorkflowHandleWithStartDetails<typeof ingest>;

const POLL_MS = 250;

/** `pipeline start SOURCE`: starts a run. */
export function startCommand(): Command {
  return new Command('start')
    .description('Start a run: fetch a source and land whatever its topic holds.')
    .argument('<source>', 'a source of pipeline.yaml')
    .option('--from <time>', 'beginning of the interval, for a source whose url has {from}')
    .option('--to <time>', 'end of the interval, for a source whose url has {to}')
    .option('--follow', 'show how it goes, until it ends')
    .addHelpText(
      'after',
      '\nExamples:\n  pipeline start pearson --follow\n  pipeline start pearson --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z',
    )
    .action(start);
}

async function start(source: string, options: StartOptions): Promise<void> {
  const settings = readSettings();
  sourceOf(settings, source);
  const request: IngestRequest = {
    source,
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.to === undefined ? {} : { to: options.to }),
  };
  await withTemporal(settings, async (client) => {
    const handle: Handle = await client.workflow.start<typeof ingest>('ingest', {
      taskQueue: settings.temporal.taskQueue,
      workflowId: `${RUN_PREFIX}-${source}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
      args: [request],
    });
    print(`started ${handle.workflowId}`);
    print(`see ${uiUrlOf(settings, handle.workflowId, handle.firstExecutionRunId)}`);
    if (options.follow === true) await follow(handle);
  });
}

/** Shows a run until it ends, or waits for a person. */
async function follow(handle: Handle): Promise<void> {
  const ended = handle.result().then(
    () => ({ failure: undefined }),
    (failure: unknown) => ({ failure }),
  );
  let shown = '';
  for (;;) {
    const end = await Promise.race([ended, sleep(POLL_MS, undefined)]);
    const status = await handle.query<RunStatus>('status');
    const line = formatLine(status);
    if (line !== shown && end === undefined) printError(line);
    shown = line;
    if (end === undefined && status.state !== 'waiting') continue;
    print(formatStatus(handle.workflowId, status));
    if (end?.failure !== undefined) throw asRunFailure(handle, end.failure);
    if (end === undefined) process.exitCode = EXIT.waiting;
    return;
  }
}

function asRunFailure(handle: Handle, failure: unknown): unknown {
  if (!(failure instanceof WorkflowFailedError)) return failure;
  return new PipelineError('RUN_FAILED', `${handle.workflowId}: ${messageOf(failure.cause)}`, {
    cause: failure,
  });
}
