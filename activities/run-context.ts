import { Context } from '@temporalio/activity';
import type { Execution } from '../adapters/staging/staging.ts';

/** What an activity knows of the run that it works for. */
export interface RunContext {
  readonly execution: Execution;
  /** Which try it is, from 1. */
  readonly attempt: number;
  /** Aborts when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** Seconds since the try began. */
  readonly seconds: () => number;
}

const HEARTBEAT_MS = 1_000;

/**
 * Heartbeats for an activity until the returned function is called, so that Temporal notices a worker that died,
 * whatever the activity waits for.
 */
export function keepAlive(context: Context): () => void {
  const beat = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT_MS);
  return () => {
    clearInterval(beat);
  };
}

/** The context of the activity that is running. */
export function currentRun(): RunContext {
  const context = Context.current();
  const { info } = context;
  const { workflowExecution } = info;
  if (workflowExecution === undefined) throw new TypeError('the activity was started without a workflow');
  const began = performance.now();
  return {
    execution: { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId },
    attempt: info.attempt,
    signal: context.cancellationSignal,
    seconds: () => (performance.now() - began) / 1000,
  };
}
