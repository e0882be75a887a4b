import type { IsoTime } from './references.ts';
import type { Step } from './step.ts';

/** The decisions that a waiting run accepts. */
export const DECISIONS = ['retry', 'skip', 'abort'] as const;

/** One of {@link DECISIONS}. */
export type Decision = (typeof DECISIONS)[number];

/** The length limits of a decision's reason and author, in UTF-16 code units. */
export const MAX_REASON_LENGTH = 500;
export const MAX_BY_LENGTH = 200;

/** The number of decisions that a run keeps; earlier ones are only counted, to bound the run's state. */
export const MAX_DECISIONS_KEPT = 20;

/** The length limit of a decision's description of what failed, in UTF-16 code units. */
export const MAX_WHAT_LENGTH = 200;

/** Shown for a decision without an author. */
const UNKNOWN = 'unknown (sent by the Temporal UI or API)';

/** The optional argument of the updates `retry`, `skip` and `abort`. */
export interface DecisionNote {
  /** The person, as `user@host`; claimed by the client, not verified. */
  readonly by?: string | null;
  readonly reason?: string | null;
}

/** A person's decision about a waiting run. */
export interface RecordedDecision {
  readonly decision: Decision;
  /** The step that failed. */
  readonly step: Step;
  /** The source, chunk or offsets that it failed at. */
  readonly what: string;
  /** The code of the error that the run waited for. */
  readonly code: string;
  /** Null if the update gave none, as from the Temporal UI. */
  readonly by: string | null;
  readonly reason: string | null;
  readonly at: IsoTime;
}

/** The decisions of a run, oldest first. */
export interface DecisionLog {
  readonly latest: readonly RecordedDecision[];
  /** The number of decisions before these. */
  readonly earlier: number;
}

/** An empty log. */
export const NO_DECISIONS: DecisionLog = { latest: [], earlier: 0 };

/** Appends a decision; drops and counts the oldest beyond {@link MAX_DECISIONS_KEPT}. */
export function withDecision({ latest, earlier }: DecisionLog, decision: RecordedDecision): DecisionLog {
  const all = [...latest, { ...decision, what: truncateWhat(decision.what) }];
  const dropped = Math.max(0, all.length - MAX_DECISIONS_KEPT);
  return { latest: all.slice(dropped), earlier: earlier + dropped };
}

/** Formats the decisions for people, one per line. */
export function decisionLines({ latest, earlier }: DecisionLog): string[] {
  return [
    ...(earlier === 0 ? [] : [`earlier decisions: ${earlier}`]),
    ...latest.map(({ decision, step, what, code, by, reason, at }) => {
      const suffix = reason === null ? '' : `, reason: ${reason}`;
      return `${decision} at ${step} of ${what} (${code}), ${at}, by ${by ?? UNKNOWN}${suffix}`;
    }),
  ];
}

function truncateWhat(what: string): string {
  return what.length > MAX_WHAT_LENGTH ? `${what.slice(0, MAX_WHAT_LENGTH - 1)}…` : what;
}
