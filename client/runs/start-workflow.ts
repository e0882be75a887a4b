import type { Client } from '@temporalio/client';
import type { Settings } from '../../model/settings.ts';
import { print, printJson } from '../cli/output.ts';
import { uiUrlOf } from '../cli/temporal.ts';
import { followWorkflow } from './follow-workflow.ts';
import { userAtHost } from './static-details.ts';

/** A workflow to start, and how its progress and its result are shown. */
export interface FollowedRun<R> {
  readonly name: 'maintain' | 'rebuild' | 'erase';
  /** The run's id without its time; default the name. */
  readonly idPrefix?: string;
  readonly request: object;
  /** Kept with the run, for people; default the request. */
  readonly memo?: object;
  /** Shown in the Temporal UI. */
  readonly title: string;
  readonly progressOf: (status: R | undefined) => string;
  readonly formatResult: (result: R) => string[];
}

/** The options of commands that start a workflow. */
export interface FollowOptions {
  readonly follow?: true;
  readonly json?: true;
}

/** The progress of a run whose status cannot be queried yet. */
export const WAITING_FOR_WORKER = 'waiting for a worker';

/**
 * Starts a workflow, and prints its id and its address in the Temporal UI; with `follow` also its progress and
 * its result.
 * @throws {PipelineError} RUN_FAILED
 */
export async function startRun<R extends object>(
  client: Client,
  settings: Settings,
  workflow: FollowedRun<R>,
  { follow, json }: FollowOptions,
): Promise<void> {
  const { name, request, title, idPrefix = name, memo = { request } } = workflow;
  const handle = await client.workflow.start<(request: object) => Promise<R>>(name, {
    taskQueue: settings.temporal.taskQueue,
    workflowId: `${idPrefix}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`,
    args: [request],
    staticSummary: title,
    memo: { ...memo, startedBy: userAtHost() },
  });
  const run = handle.workflowId;
  const url = uiUrlOf(settings, run, handle.firstExecutionRunId);
  if (json !== true) print([`started ${run}`, `see ${url}`]);
  if (follow !== true) {
    if (json === true) printJson({ run, url });
    return;
  }
  const result = await followWorkflow(client, handle, workflow.progressOf);
  if (json === true) printJson({ run, url, ...result });
  else print(workflow.formatResult(result));
}
