import { Context } from '@temporalio/activity';
import type { RunContext } from '../steps/run-context.ts';

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
