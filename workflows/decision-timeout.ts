import { ApplicationFailure, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { formatDuration } from '../model/duration.ts';
import type { Waiting } from '../model/run.ts';
import type { RunState } from './run-state.ts';

/**
 * Does a run's work, but gives it up when it has waited for a person for too long without a decision: a run
 * of a schedule must not hold up those behind it for ever.
 * @param patience In seconds.
 * @throws {ApplicationFailure} UNDECIDED when it gave up.
 */
export async function withDecisionTimeout<T>(
  run: RunState,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  const working = new CancellationScope();
  const watching = new CancellationScope();
  const watch = watching.run(() => undecided(run, patience));
  const gaveUp = watch.then(
    (waiting) => {
      working.cancel();
      return waiting;
    },
    // The work ended before, or the run is cancelled.
    () => undefined,
  );
  try {
    return await working.run(work);
  } catch (error) {
    const waiting = working.consideredCancelled && isCancellation(error) ? await gaveUp : undefined;
    if (waiting === undefined) throw error;
    run.setWaiting(null);
    throw undecidedFailure(waiting, patience);
  } finally {
    watching.cancel();
    await gaveUp;
  }
}

/** @returns What the run has waited for all the time. */
async function undecided(run: RunState, patience: number): Promise<Waiting> {
  for (;;) {
    await condition(() => run.waiting !== null);
    const { waiting } = run;
    if (waiting === null) continue;
    const summary = `gives up unless a person decides what to do about the failed ${waiting.step}`;
    const decided = await condition(() => run.waiting !== waiting, `${patience}s`, { summary });
    if (!decided) return waiting;
  }
}

function undecidedFailure({ step, what, code, message }: Waiting, patience: number): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `nobody decided within ${formatDuration(patience)} about ${what}, where ${step} failed with ${code}: ${message}`,
    'UNDECIDED',
  );
}
