import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineUpdate,
  isCancellation,
  log,
  setHandler,
} from '@temporalio/workflow';
import { DECISIONS, type Decision, type DecisionNote, type RecordedDecision } from '../model/decisions.ts';
import { escapeText } from '../model/printable.ts';
import type { Waiting } from '../model/run.ts';
import type { Step } from '../model/step.ts';
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
  retry: 'Retry the step that failed.',
  skip: 'Continue without the chunk or batch that failed; at a quarantine limit, or where no record is good, continue with all records; where Kafka has no proof that the content was published, end without marking it as ingested. The decision is recorded.',
  abort: 'End the run. Rows that landed stay; the rest can be ingested later.',
};

/** The three updates that a waiting run accepts. The Temporal UI sends them without a note. */
export const decisions = {
  retry: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('retry'),
  skip: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('skip'),
  abort: defineUpdate<unknown, [note: DecisionNote | null | undefined]>('abort'),
} as const;

/** A decision that was accepted. */
type Accepted = Pick<RecordedDecision, 'decision' | 'by' | 'reason' | 'at'>;

/** The result of work that a person skipped. */
export const SKIPPED = Symbol('skipped');

/** Work that can fail, as it is shown to the person who decides. */
export interface Retriable {
  readonly step: Step;
  /** The source, the chunk or the offsets. */
  readonly what: string;
  readonly canSkip: boolean;
}

/** Waits for a person's decision where a step failed and its retries are used up. */
export class Decisions {
  readonly #run: RunState;
  /** A decision that has not been carried out. */
  #accepted: Accepted | undefined;
  /** The work whose limit, or unreadable batch, a person accepted. */
  readonly #acceptedWork = new Set<string>();

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
   * Runs work that a person may skip.
   * @param work Gets whether a person accepted a quarantine limit, or a batch that cannot be read.
   * @throws {ApplicationFailure} ABORTED where a person aborts.
   */
  async attemptOrSkip<T>(
    about: Omit<Retriable, 'canSkip'>,
    work: (isAccepted: boolean) => Promise<T>,
  ): Promise<T | typeof SKIPPED> {
    return this.#attempt({ ...about, canSkip: true }, work);
  }

  /**
   * Runs work that cannot be left out; a person may only accept a limit, an unreadable batch or unproven content.
   * @throws {ApplicationFailure} ABORTED where a person aborts.
   */
  async attempt<T>(about: Omit<Retriable, 'canSkip'>, work: (isAccepted: boolean) => Promise<T>): Promise<T> {
    const result = await this.#attempt({ ...about, canSkip: false }, work);
    if (result === SKIPPED)
      throw ApplicationFailure.nonRetryable(`${about.what} cannot be skipped`, 'NOT_SKIPPABLE');
    return result;
  }

  async #attempt<T>(
    about: Retriable,
    work: (isAccepted: boolean) => Promise<T>,
  ): Promise<T | typeof SKIPPED> {
    const name = `${about.step} of ${about.what}`;
    for (;;) {
      try {
        return await work(this.#acceptedWork.has(name));
      } catch (error) {
        if (!needsDecision(error)) throw error;
        const outcome = await this.#decide(about, error);
        if (outcome === 'skip') return SKIPPED;
        if (outcome === 'accept') this.#acceptedWork.add(name);
      }
    }
  }

  /**
   * Waits for a person's decision about a failure, and records what is skipped.
   * @returns `accept` if the person skips a check, after which the work is attempted again without it.
   * @throws {ApplicationFailure} ABORTED where a person aborts.
   */
  async #decide(
    { step, what, canSkip }: Retriable,
    error: ActivityFailure | ApplicationFailure,
  ): Promise<'retry' | 'accept' | 'skip'> {
    const isUnreadableBatch = step === 'consume' && isUnreadable(error);
    const canAccept = isOverLimit(error) || isUnproven(error) || isUnreadableBatch;
    const waiting = waitingFor({ step, what, canSkip: canSkip || canAccept }, error);
    const decided = await this.#waitForDecision(waiting);
    if (decided.decision === 'abort')
      throw ApplicationFailure.nonRetryable(abortMessage(step, decided, waiting.message), 'ABORTED');
    if (decided.decision === 'retry') return 'retry';
    // The offsets of an unreadable batch are known once it is skipped.
    if (!isUnreadableBatch) this.#run.addSkipped({ step, what, code: waiting.code });
    return canAccept ? 'accept' : 'skip';
  }

  /** Waits for one decision at a time; failures meanwhile queue up. */
  async #waitForDecision(waiting: Waiting): Promise<RecordedDecision> {
    await condition(() => this.#run.waiting === null);
    this.#run.setWaiting(waiting);
    const accepted = await this.#nextDecision();
    const { step, what, code } = waiting;
    const decision = { ...accepted, step, what, code };
    this.#run.addDecision(decision);
    log.info('a person decided', { ...decision });
    this.#run.setWaiting(null);
    return decision;
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

/** Returns whether a person decides about an error, rather than the workflow. */
function needsDecision(error: unknown): error is ActivityFailure | ApplicationFailure {
  // A fault of the workflow's code, about which a decision could not help.
  if (!(error instanceof ActivityFailure) && !isTooLarge(error)) return false;
  // The workflow handles these itself.
  if (isCancellation(error) || isHostLost(error) || isOvertaken(error)) return false;
  return failureOf(error)?.type !== 'SOURCE_UNKNOWN';
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
