import type { Execution } from '../adapters/staging/staging.ts';

/** The run and the activity attempt that a step belongs to. */
export interface RunContext {
  readonly execution: Execution;
  /** The number of the activity's attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** Seconds since the attempt began. */
  readonly seconds: () => number;
}
