import type { DecisionLog } from './decisions.ts';
import type { FieldCounts } from './field-counts.ts';
import type { ReasonCounts } from './reasons.ts';
import type { Content, IsoTime, OffsetRange } from './references.ts';
import type { SkippedLog } from './skipped.ts';

/** The steps of a run, in order. */
export const STEPS = ['fetch', 'publish', 'consume', 'transform', 'land'] as const;

/** The name of a step. */
export type Step = (typeof STEPS)[number];

/** What the workflow `ingest` takes: one object, as the Temporal UI's form gives it. */
export interface IngestRequest {
  /** A source of pipeline.yaml, by its name. */
  readonly source: string;
  /** The interval to ask the customer for, where the source's url has `{from}` and `{to}`. */
  readonly from?: string;
  readonly to?: string;
  /** Whether a content that was ingested before is ingested once more: its records then land a second time. */
  readonly again?: boolean;
  /** How long that interval is, as PT1H, where it ends at the time that a schedule gives. */
  readonly interval?: string;
}

/** The longest bound of an interval, and the longest duration of one, in UTF-16 code units. */
export const MAX_TIME_LENGTH = 64;

/** What a customer is asked for: [from, to); null is no bound. */
export interface Interval {
  readonly from: IsoTime | null;
  readonly to: IsoTime | null;
}

/** What a step did, in numbers. `quarantined` records are part of `recordsIn`, not of `recordsOut`. */
export interface StepCounts {
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly quarantined: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** How a run ended that did what it was asked for. */
export type RunOutcome = 'landed' | 'unchanged' | 'nothing-new';

/** How a run can end: the table `runs` has these. */
export const RUN_ENDS = [
  'landed',
  'unchanged',
  'nothing-new',
  'aborted',
  'undecided',
  'cancelled',
  'failed',
] as const;

/** One of {@link RUN_ENDS}. */
export type RunEnd = (typeof RUN_ENDS)[number];

/** What a run reports when it ends. */
export interface IngestResult extends FieldCounts, SkippedLog {
  readonly outcome: RunOutcome;
  readonly source: string;
  readonly topic: string;
  /** What the customer was asked for. */
  readonly interval: Interval;
  readonly content: Content | null;
  readonly batches: number;
  /** Offsets that held no message: transaction markers and aborted messages. */
  readonly gaps: number;
  /** Rows landed, by table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<Step, StepCounts>>;
  /** The offsets that the run landed. */
  readonly offsets: readonly OffsetRange[];
  /** What persons told the run, and why. */
  readonly decisions: DecisionLog;
  /** Why records went into quarantine, the most frequent reasons. */
  readonly reasons: ReasonCounts;
}

/** What the table `runs` keeps of a run, however it ended. */
export interface EndedRun extends Omit<IngestResult, 'outcome'> {
  readonly outcome: RunEnd;
}

/** What a run waits for a person for, its retries used up. */
export interface Waiting {
  readonly step: Step;
  /** What it failed at: the source, a chunk, or offsets. */
  readonly what: string;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  readonly since: IsoTime;
  /** Whether `skip` is possible: a whole fetch or plan cannot be skipped. */
  readonly canSkip: boolean;
}

/** What a person can tell a waiting run. */
export const DECISIONS = ['retry', 'skip', 'abort'] as const;

/** One of {@link DECISIONS}. */
export type Decision = (typeof DECISIONS)[number];

/** Where a run is, as its query `status` answers. */
export interface RunStatus extends Omit<IngestResult, 'outcome'> {
  readonly state: 'running' | 'waiting' | 'failed' | 'cancelled' | RunOutcome;
  /** Why the run failed. */
  readonly failure: string | null;
  /** The furthest step that has begun. */
  readonly step: Step;
  /** Chunks to publish, and offsets to land, as far as known. */
  readonly chunks: number;
  readonly chunksPublished: number;
  readonly offsetsDue: number;
  /** Those on their way to the tables: landed, or at least so far. */
  readonly offsetsConsumed: number;
  readonly offsetsTransformed: number;
  readonly offsetsLanded: number;
  readonly waiting: Waiting | null;
}
