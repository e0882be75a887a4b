import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { uiUrlOf } from '../cli/temporal.ts';
import { userAtHost } from '../runs/static-details.ts';

/** A workflow on tables to start, and how its progress and its result are shown. */
export interface TableWorkflow<R> {
  readonly name: 'maintain' | 'rebuild';
  readonly request: object;
  /** Shown in the Temporal UI. */
  readonly title: string;
  readonly progressOf: (status: R | undefined) => string;
  readonly formatResult: (result: R) => string[];
}

/** The options of commands that start a workflow on tables. */
export interface FollowOptions {
  readonly follow?: true;
  readonly json?: true;
}

/** The progress of a run whose status cannot be queried yet. */
export const WAITING_FOR_WORKER = 'waiting for a worker';

const POLL_MS = 500;

/**
 * Starts a workflow on tables, and prints its id and its address in the Temporal UI; with `follow` also its progress and
 * its result.
 * @throws {PipelineError} RUN_FAILED
 */
export async function startTableWorkflow<R extends object>(
  client: Client,
  settings: Settings,
  workflow: TableWorkflow<R>,
  { follow, json }: FollowOptions,
): Promise<void> {
  const { name, request, title } = workflow;
  const handle = await client.workflow.start<(request: object) => Promise<R>>(name, {
    taskQueue: settings.temporal.taskQueue,
    workflowId: `${name}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
    args: [request],
    staticSummary: title,
    memo: { request, startedBy: userAtHost() },
  });
  const run = handle.workflowId;
  const url = uiUrlOf(settings, run, handle.firstExecutionRunId);
  if (json !== true) print([`started ${run}`, `see ${url}`]);
  if (follow !== true) {
    if (json === true) printJson({ run, url });
    return;
  }
  const result = await followWorkflow(client, handle, workflow);
  if (json === true) printJson({ run, url, ...result });
  else print(workflow.formatResult(result));
}

/**
 * Shows progress until the run ends.
 * @throws {PipelineError} RUN_FAILED
 */
async function followWorkflow<R>(
  client: Client,
  handle: WorkflowHandle<(request: object) => Promise<R>>,
  { progressOf }: Pick<TableWorkflow<R>, 'progressOf'>,
): Promise<R> {
  const stop = new AbortController();
  const ended = client.withAbortSignal(stop.signal, () => handle.result());
  try {
    let shown = '';
    for (;;) {
      const result = await Promise.race([ended, sleep(POLL_MS, undefined)]);
      if (result !== undefined) return result;
      const line = progressOf(await handle.query<R>('status').catch(() => undefined));
      if (line !== shown) printError(line);
      shown = line;
    }
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new PipelineError('RUN_FAILED', `${handle.workflowId}: ${messageOf(error.cause)}`, {
      cause: error,
    });
  } finally {
    stop.abort();
  }
}
