import type { DecisionLog } from './decisions.ts';
import type { FieldCounts } from './field-counts.ts';
import type { ReasonCounts } from './reasons.ts';
import type { Content, IsoTime, OffsetRange } from './references.ts';
import type { SkippedLog } from './skipped.ts';
import type { Step } from './step.ts';

/** The input of the workflow `ingest`: one object, as the Temporal UI's form requires. */
export interface IngestRequest {
  /** The name of a source in pipeline.yaml. */
  readonly source: string;
  /** The interval to request, if the source's url has `{from}` or `{to}`. */
  readonly from?: string;
  readonly to?: string;
  /** Whether to ingest a content that was ingested before; its records then land a second time. */
  readonly again?: boolean;
  /** The length of the interval, as PT1H, if it ends at the scheduled time. */
  readonly interval?: string;
}

/** The length limit of `from`, `to` and `interval`, in UTF-16 code units. */
export const MAX_TIME_LENGTH = 64;

/** The interval requested from a customer: [from, to); null means unbounded. */
export interface Interval {
  readonly from: IsoTime | null;
  readonly to: IsoTime | null;
}

/** The totals of a step. `quarantined` records are included in `recordsIn`, not in `recordsOut`. */
export interface StepCounts {
  readonly recordsIn: number;
  readonly recordsOut: number;
  readonly quarantined: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** The outcome of a successful run. */
export type RunOutcome = 'landed' | 'unchanged' | 'nothing-new';

/** The outcomes of a run, as in the table `runs`. */
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

/** The result of a run. */
export interface IngestResult extends FieldCounts, SkippedLog {
  readonly outcome: RunOutcome;
  readonly source: string;
  readonly topic: string;
  /** The interval requested from the customer. */
  readonly interval: Interval;
  readonly content: Content | null;
  readonly batches: number;
  /** Offsets without a message: transaction markers and aborted messages. */
  readonly gaps: number;
  /** Messages of erased persons, which were dropped; absent if there were none. */
  readonly erased?: number;
  /** The number of landed rows by table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<Step, StepCounts>>;
  /** The offsets that the run landed. */
  readonly offsets: readonly OffsetRange[];
  /** The decisions of people about the run. */
  readonly decisions: DecisionLog;
  /** The most frequent reasons of quarantined records. */
  readonly reasons: ReasonCounts;
}

/** A row of the table `runs`: the result of a run with any outcome. */
export interface EndedRun extends Omit<IngestResult, 'outcome'> {
  readonly outcome: RunEnd;
}

/** The failure that a run waits for a person about, after its retries. */
export interface Waiting {
  readonly step: Step;
  /** The source, chunk or offsets that it failed at. */
  readonly what: string;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  readonly since: IsoTime;
  /** Whether `skip` is allowed: a whole fetch or plan cannot be skipped. */
  readonly canSkip: boolean;
}

/** The status of a run, as its query `status` returns it. */
export interface RunStatus extends Omit<IngestResult, 'outcome'> {
  readonly state: 'running' | 'waiting' | 'failed' | 'cancelled' | RunOutcome;
  /** Why the run failed. */
  readonly failure: string | null;
  /** The furthest step that has begun. */
  readonly step: Step;
  /** The chunks to publish, as far as known. */
  readonly chunks: number;
  readonly chunksPublished: number;
  /** The offsets to land, as far as known. */
  readonly offsetsDue: number;
  /** Offsets that are consumed, transformed or landed; each count includes the later ones. */
  readonly offsetsConsumed: number;
  readonly offsetsTransformed: number;
  readonly offsetsLanded: number;
  readonly waiting: Waiting | null;
}
