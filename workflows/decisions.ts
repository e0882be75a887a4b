import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineUpdate,
  isCancellation,
  log,
  setHandler,
} from '@temporalio/workflow';
import type { DecisionNote, RecordedDecision } from '../model/decisions.ts';
import { escapeText } from '../model/printable.ts';
import { DECISIONS, type Decision, type Step, type Waiting } from '../model/run.ts';
import { requireNote, textOf } from './decision-note.ts';
import {
  failureOf,
  isHostLost,
  isOverLimit,
  isOvertaken,
  isTooLarge,
  isUnproven,
  isUnreadable,
} from './activity-proxies.ts';
import type { RunState } from './run-state.ts';

const DESCRIPTIONS: Record<Decision, string> = {
  retry: 'Try again what the run waits for.',
  skip: 'Go on without the chunk or batch that the run waits for; at a quarantine limit, or where no record is good, go on with everything; where a content is not proven to be published, end without marking it as ingested. It is recorded.',
  abort: 'End the run. What it landed stays, and the rest can be ingested later.',
};

/** The three updates that a waiting run accepts. The Temporal UI sends them without a note. */
export const decisions = {
  retry: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('retry'),
  skip: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('skip'),
  abort: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('abort'),
} as const;

/** A decision that was accepted. */
type Accepted = Pick<RecordedDecision, 'decision' | 'by' | 'reason' | 'at'>;

/** What `attempt` answers when a person let the run go on without it. */
export const SKIPPED = Symbol('skipped');

/** Something that can fail, and what a person is told of it. */
export interface Retriable {
  readonly step: Step;
  /** The source, the chunk or the offsets. */
  readonly what: string;
  readonly canSkip: boolean;
}

/** The person whom a run waits for when it cannot go on by itself. */
export class Decisions {
  readonly #run: RunState;
  /** The decision that the run has not followed yet. */
  #accepted: Accepted | undefined;
  /** Where a person let the run go past a quarantine limit. */
  readonly #pastLimits = new Set<string>();

  constructor(run: RunState) {
    this.#run = run;
    for (const decision of DECISIONS) {
      setHandler(
        decisions[decision],
        (note) => {
          const at = new Date().toISOString();
          this.#accepted = { decision, by: textOf(note?.by), reason: textOf(note?.reason), at };
        },
        {
          description: DESCRIPTIONS[decision],
          validator: (note) => {
            requireNote(note);
            this.#requireFits(decision);
          },
        },
      );
    }
  }

  /**
   * Does something that may be skipped; when its retries are used up, a person decides.
   * @param work Hears whether a person let it go past a quarantine limit, or a batch that cannot be read.
   */
  async attemptOrSkip<T>(
    about: Omit<Retriable, 'canSkip'>,
    work: (pastLimit: boolean) => Promise<T>,
  ): Promise<T | typeof SKIPPED> {
    return this.#attempt({ ...about, canSkip: true }, work);
  }

  /** Does something that must be done, likewise: of it only what a person can let it go past can be skipped. */
  async attempt<T>(about: Omit<Retriable, 'canSkip'>, work: (pastLimit: boolean) => Promise<T>): Promise<T> {
    const result = await this.#attempt({ ...about, canSkip: false }, work);
    if (result === SKIPPED)
      throw ApplicationFailure.nonRetryable(`${about.what} cannot be skipped`, 'NOT_SKIPPABLE');
    return result;
  }

  async #attempt<T>(about: Retriable, work: (pastLimit: boolean) => Promise<T>): Promise<T | typeof SKIPPED> {
    const name = `${about.step} of ${about.what}`;
    for (;;) {
      try {
        return await work(this.#pastLimits.has(name));
      } catch (error) {
        // A fault of this very code, which no person can decide about.
        if (!(error instanceof ActivityFailure) && !isTooLarge(error)) throw error;
        // These the run sees to by itself.
        if (isCancellation(error) || isHostLost(error) || isOvertaken(error)) throw error;
        const failure = failureOf(error);
        if (failure?.type === 'SOURCE_UNKNOWN') throw error;
        const canPassBatch = about.step === 'consume' && isUnreadable(error);
        const canPass = isOverLimit(error) || isUnproven(error) || canPassBatch;
        const waiting = waitingFor({ ...about, canSkip: about.canSkip || canPass }, error);
        const made = await this.#ask(waiting);
        if (made.decision === 'abort') {
          throw ApplicationFailure.nonRetryable(abortMessage(about.step, made, waiting.message), 'ABORTED');
        }
        if (made.decision === 'skip') {
          // Which offsets cannot be read is known once they are passed.
          if (!canPassBatch) this.#run.addSkipped({ step: about.step, what: about.what, code: waiting.code });
          if (!canPass) return SKIPPED;
          this.#pastLimits.add(name);
        }
      }
    }
  }

  /** One question at a time: whatever fails meanwhile asks afterwards. */
  async #ask(waiting: Waiting): Promise<RecordedDecision> {
    await condition(() => this.#run.waiting === null);
    this.#run.setWaiting(waiting);
    const accepted = await this.#nextDecision();
    const { step, what, code } = waiting;
    const made = { ...accepted, step, what, code };
    this.#run.addDecision(made);
    log.info('a person decided', { ...made });
    this.#run.setWaiting(null);
    return made;
  }

  async #nextDecision(): Promise<Accepted> {
    for (;;) {
      const accepted = this.#accepted;
      this.#accepted = undefined;
      if (accepted !== undefined) return accepted;
      await condition(() => this.#accepted !== undefined);
    }
  }

  #requireFits(decision: Decision): void {
    const { waiting } = this.#run;
    if (waiting === null || this.#accepted !== undefined)
      throw ApplicationFailure.nonRetryable('the run does not wait for anyone', 'NOT_WAITING');
    if (decision === 'skip' && !waiting.canSkip) {
      throw ApplicationFailure.nonRetryable(
        `${waiting.what} cannot be skipped: retry or abort`,
        'NOT_SKIPPABLE',
      );
    }
  }
}

/** Escaped, since Temporal accepts only well-formed Unicode in a failure's message. */
function abortMessage(step: Step, { by, reason }: RecordedDecision, cause: string): string {
  const why = reason === null ? '' : ` (reason: ${escapeText(reason)})`;
  return `aborted by ${escapeText(by ?? 'a person')} at ${step}${why}: ${cause}`;
}

function waitingFor(about: Retriable, error: ActivityFailure | ApplicationFailure): Waiting {
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
