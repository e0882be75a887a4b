import type { IsoTime } from './references.ts';
import type { Decision, Step } from './run.ts';

/** The longest reason and the longest name that come with a decision, in UTF-16 code units. */
export const MAX_REASON_LENGTH = 500;
export const MAX_BY_LENGTH = 200;

/** A run keeps its latest decisions and counts the earlier ones, so that its state stays small. */
export const MAX_DECISIONS_KEPT = 20;

/** The longest description of what failed that a decision keeps, in UTF-16 code units. */
export const MAX_WHAT_LENGTH = 200;

/** Shown where a decision came without a name. */
const UNKNOWN = 'unknown (sent by the Temporal UI or API)';

/** What may come with the updates `retry`, `skip` and `abort`. */
export interface DecisionNote {
  /** The person, as `user@host`. Whoever sends the update says it; nothing proves it. */
  readonly by?: string | null;
  readonly reason?: string | null;
}

/** What a person told a waiting run. */
export interface RecordedDecision {
  readonly decision: Decision;
  /** The step that the run waited at, and the source, chunk or offsets that it failed at. */
  readonly step: Step;
  readonly what: string;
  /** The error that the run waited for. */
  readonly code: string;
  /** Null where the update did not say, as from the Temporal UI. */
  readonly by: string | null;
  readonly reason: string | null;
  readonly at: IsoTime;
}

/** The decisions of a run, the oldest first. */
export interface DecisionLog {
  readonly latest: readonly RecordedDecision[];
  /** How many there were before these. */
  readonly earlier: number;
}

/** The log of a run that nobody has decided about. */
export const NO_DECISIONS: DecisionLog = { latest: [], earlier: 0 };

/** Returns the log with one decision more, bounded. */
export function withDecision({ latest, earlier }: DecisionLog, decision: RecordedDecision): DecisionLog {
  const all = [...latest, { ...decision, what: shortened(decision.what) }];
  const dropped = Math.max(0, all.length - MAX_DECISIONS_KEPT);
  return { latest: all.slice(dropped), earlier: earlier + dropped };
}

/** Returns a line about each decision, for people. */
export function decisionLines({ latest, earlier }: DecisionLog): string[] {
  return [
    ...(earlier === 0 ? [] : [`earlier decisions: ${earlier}`]),
    ...latest.map(({ decision, step, what, code, by, reason, at }) => {
      const why = reason === null ? '' : `, reason: ${reason}`;
      return `${decision} at ${step} of ${what} (${code}), ${at}, by ${by ?? UNKNOWN}${why}`;
    }),
  ];
}

function shortened(what: string): string {
  return what.length > MAX_WHAT_LENGTH ? `${what.slice(0, MAX_WHAT_LENGTH - 1)}…` : what;
}
