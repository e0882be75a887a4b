import { Context } from '@temporalio/activity';
import type { RunContext } from '../steps/run-context.ts';

const HEARTBEAT_MS = 1_000;

/**
 * Sends heartbeats for an activity until the returned function is called, so that Temporal notices a dead worker even
 * while the activity waits.
 */
export function keepAlive(context: Context): () => void {
  const timer = setInterval(() => {
    context.heartbeat();
  }, HEARTBEAT_MS);
  return () => {
    clearInterval(timer);
  };
}

/** Returns the context of the running activity. */
export function currentRun(): RunContext {
  const context = Context.current();
  const { info } = context;
  const { workflowExecution } = info;
  if (workflowExecution === undefined) throw new TypeError('the activity was started without a workflow');
  const startedAt = performance.now();
  return {
    execution: { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId },
    attempt: info.attempt,
    signal: context.cancellationSignal,
    seconds: () => (performance.now() - startedAt) / 1000,
  };
}
