import { ApplicationFailure, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { formatDuration } from '../model/duration.ts';
import type { Waiting } from '../model/run.ts';
import type { RunState } from './run-state.ts';

/**
 * Runs the steps of a run, and cancels them when the run has waited too long for a decision: a scheduled run must not
 * block the runs queued behind it.
 * @param seconds The longest wait for one decision.
 * @throws {ApplicationFailure} UNDECIDED after that wait.
 */
export async function withDecisionTimeout<T>(
  run: RunState,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const working = new CancellationScope();
  const watching = new CancellationScope();
  const watch = watching.run(() => undecided(run, seconds));
  const gaveUp = watch.then(
    (waiting) => {
      working.cancel();
      return waiting;
    },
    // The steps ended first, or the run is cancelled.
    () => undefined,
  );
  try {
    return await working.run(work);
  } catch (error) {
    const waiting = working.consideredCancelled && isCancellation(error) ? await gaveUp : undefined;
    if (waiting === undefined) throw error;
    run.setWaiting(null);
    throw undecidedFailure(waiting, seconds);
  } finally {
    watching.cancel();
    await gaveUp;
  }
}

/** @returns The failure that nobody decided about in time. */
async function undecided(run: RunState, seconds: number): Promise<Waiting> {
  for (;;) {
    await condition(() => run.waiting !== null);
    const { waiting } = run;
    if (waiting === null) continue;
    const summary = `the run ends unless a person decides about the failed ${waiting.step}`;
    const decided = await condition(() => run.waiting !== waiting, `${seconds}s`, { summary });
    if (!decided) return waiting;
  }
}

function undecidedFailure({ step, what, code, message }: Waiting, seconds: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `nobody decided within ${formatDuration(seconds)} about ${what}, where ${step} failed with ${code}: ${message}`,
    'UNDECIDED',
  );
}
