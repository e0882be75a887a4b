import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  setHandler,
  defineUpdate,
} from '@temporalio/workflow';
import type { Decision, Step, Waiting } from '../model/run.ts';
import { failureOf, isHostLost, isOverLimit, isOvertaken } from './hosts.ts';
import type { RunState } from './run-state.ts';

const DESCRIPTIONS: Record<Decision, string> = {
  retry: 'Try again what the run waits for.',
  skip: 'Go on without the chunk or batch that the run waits for; at a quarantine limit, go on with everything. It is recorded.',
  abort: 'End the run. What it landed stays, and the rest can be ingested later.',
};

/** The three updates that a waiting run takes. */
export const decisions = {
  retry: defineUpdate('retry'),
  skip: defineUpdate('skip'),
  abort: defineUpdate('abort'),
} as const;

/** What `attempt` answers when a person let the run go on without it. */
export const SKIPPED = Symbol('skipped');

/** Something that can fail, and what a person is told of it. */
export interface Attempt {
  readonly step: Step;
  /** The source, the chunk or the offsets. */
  readonly what: string;
  readonly canSkip: boolean;
}

/** The person whom a run waits for when it cannot go on by itself. */
export class Person {
  readonly #run: RunState;
  readonly #decided: Decision[] = [];
  /** Where a person let the run go past a quarantine limit. */
  readonly #pastLimits = new Set<string>();

  constructor(run: RunState) {
    this.#run = run;
    for (const decision of ['retry', 'skip', 'abort'] as const) {
      setHandler(
        decisions[decision],
        () => {
          this.#decided.push(decision);
        },
        {
          description: DESCRIPTIONS[decision],
          validator: () => {
            this.#requireFits(decision);
          },
        },
      );
    }
  }

  /**
   * Does something that may be skipped; when its retries are used up, a person decides.
   * @param work Hears whether a person let it go past a quarantine limit.
   */
  async attemptOrSkip<T>(
    about: Omit<Attempt, 'canSkip'>,
    work: (pastLimit: boolean) => Promise<T>,
  ): Promise<T | typeof SKIPPED> {
    return this.#attempt({ ...about, canSkip: true }, work);
  }

  /** Does something that must be done, likewise: of it only a quarantine limit can be skipped. */
  async attempt<T>(about: Omit<Attempt, 'canSkip'>, work: (pastLimit: boolean) => Promise<T>): Promise<T> {
    const result = await this.#attempt({ ...about, canSkip: false }, work);
    if (result === SKIPPED)
      throw ApplicationFailure.nonRetryable(`${about.what} cannot be skipped`, 'NOT_SKIPPABLE');
    return result;
  }

  async #attempt<T>(about: Attempt, work: (pastLimit: boolean) => Promise<T>): Promise<T | typeof SKIPPED> {
    const name = `${about.step} of ${about.what}`;
    for (;;) {
      try {
        return await work(this.#pastLimits.has(name));
      } catch (error) {
        // A fault of this very code, which no person can decide about.
        if (!(error instanceof ActivityFailure)) throw error;
        // These the run sees to by itself.
        if (isCancellation(error) || isHostLost(error) || isOvertaken(error)) throw error;
        const failure = failureOf(error);
        if (failure?.type === 'SOURCE_UNKNOWN') throw error;
        const isLimit = isOverLimit(error);
        const waiting = waitingFor({ ...about, canSkip: about.canSkip || isLimit }, error);
        const decision = await this.#ask(waiting);
        if (decision === 'abort') {
          throw ApplicationFailure.nonRetryable(
            `aborted by a person at ${about.step}: ${waiting.message}`,
            'ABORTED',
          );
        }
        if (decision === 'skip') {
          this.#run.skipped({ step: about.step, what: about.what, code: waiting.code });
          if (!isLimit) return SKIPPED;
          this.#pastLimits.add(name);
        }
      }
    }
  }

  /** One question at a time: whatever fails meanwhile asks afterwards. */
  async #ask(waiting: Waiting): Promise<Decision> {
    await condition(() => this.#run.waiting === null);
    this.#run.wait(waiting);
    await condition(() => this.#decided.length > 0);
    const [decision = 'retry'] = this.#decided.splice(0);
    this.#run.wait(null);
    return decision;
  }

  #requireFits(decision: Decision): void {
    const { waiting } = this.#run;
    if (waiting === null)
      throw ApplicationFailure.nonRetryable('the run does not wait for anyone', 'NOT_WAITING');
    if (decision === 'skip' && !waiting.canSkip) {
      throw ApplicationFailure.nonRetryable(
        `${waiting.what} cannot be skipped: retry or abort`,
        'NOT_SKIPPABLE',
      );
    }
  }
}

function waitingFor(about: Attempt, error: ActivityFailure): Waiting {
  const failure = failureOf(error);
  const [advice] = failure?.details ?? [];
  return {
    ...about,
    code: failure?.type ?? 'UNEXPECTED',
    message: failure?.message ?? error.cause?.message ?? error.message,
    advice: typeof advice === 'string' ? advice : 'See the worker’s log, then retry or abort.',
    since: new Date().toISOString(),
  };
}
