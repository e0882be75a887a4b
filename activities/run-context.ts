import { Context } from '@temporalio/activity';
import type { Execution } from '../adapters/staging.ts';

/** What an activity knows of the run that it works for. */
export interface RunContext {
  readonly execution: Execution;
  /** Which try it is, from 1. */
  readonly attempt: number;
  /** Aborts when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** Leaves something for the next try, should this one die. */
  readonly remember: (details: unknown) => void;
  /** What the last try left. */
  readonly lastDetails: unknown;
  /** Seconds since the try began. */
  readonly seconds: () => number;
}

const HEARTBEAT_MS = 1_000;

/** What each activity's last heartbeat said, to be said again. */
const said = new WeakMap<Context, unknown>();

/**
 * Heartbeats for an activity until the returned function is called, with the details that it gave last:
 * so Temporal misses a worker that died, whatever the activity waits for.
 */
export function keepAlive(context: Context): () => void {
  const beat = setInterval(() => {
    context.heartbeat(said.get(context) ?? context.info.heartbeatDetails);
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
    remember: (details) => {
      said.set(context, details);
      context.heartbeat(details);
    },
    lastDetails: info.heartbeatDetails as unknown,
    seconds: () => (performance.now() - began) / 1000,
  };
}
