import { defineQuery, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { NO_DECISIONS, withDecision, type RecordedDecision } from '../model/decisions.ts';
import { FieldTally, MAX_NAMED_FIELDS, type FieldCounts } from '../model/field-counts.ts';
import { MAX_REASONS_OF_RUN, ReasonTally, type ReasonCounts } from '../model/reasons.ts';
import { offsetsIn, type Content, type OffsetRange } from '../model/references.ts';
import type {
  IngestRequest,
  IngestResult,
  Interval,
  RunEnd,
  RunOutcome,
  RunStatus,
  StepCounts,
  Waiting,
} from '../model/run.ts';
import { STEPS, type Step } from '../model/step.ts';
import { RECORDS_IN, RECORDS_LANDED, RECORDS_QUARANTINED, SOURCE, STEP } from '../model/search-attributes.ts';
import { NOTHING_SKIPPED, withSkipped, type Skipped, type SkippedLog } from '../model/skipped.ts';
import { formatRunDetails } from './run-details.ts';

/** The query for a run's {@link RunStatus}. */
export const status = defineQuery<RunStatus>('status');

const NOTHING: StepCounts = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };

/** The progress of a run, shown by the query `status`, the details in the Temporal UI, and search attributes. */
export class RunState {
  waiting: Waiting | null = null;
  readonly source: string;
  readonly #interval: Interval;
  #topic = '';
  #state: RunStatus['state'] = 'running';
  #failure: string | null = null;
  #step: Step = 'fetch';
  #content: Content | null = null;
  #chunks = 0;
  #chunksPublished = 0;
  #offsetsDue = 0;
  #batches = 0;
  #gaps = 0;
  #steps: Readonly<Record<Step, StepCounts>> = {
    fetch: NOTHING,
    publish: NOTHING,
    consume: NOTHING,
    transform: NOTHING,
    land: NOTHING,
  };
  #erased = 0;
  readonly #rows = new Map<string, number>();
  readonly #offsets = new Map<number, OffsetRange>();
  /** The ranges of each partition that this history consumed and transformed. */
  readonly #reached = { consume: new Map<number, OffsetRange>(), transform: new Map<number, OffsetRange>() };
  #skipped: SkippedLog = NOTHING_SKIPPED;
  #decisions = NO_DECISIONS;
  readonly #unknownFields = new FieldTally();
  #reasons = new ReasonTally();

  /** @param previous The status at the end of the run's previous history. */
  constructor({ source, from, to }: IngestRequest, previous?: RunStatus) {
    this.source = source;
    this.#interval = { from: from ?? null, to: to ?? null };
    if (previous !== undefined) this.#restore(previous);
    setHandler(status, () => this.status(), {
      description: 'The progress of the run: its steps, their counts, the decision that it waits for.',
    });
    upsertSearchAttributes([
      { key: SOURCE, value: source },
      { key: STEP, value: this.#step },
    ]);
    this.#publishDetails();
  }

  #restore(previous: RunStatus): void {
    this.#topic = previous.topic;
    this.#step = previous.step;
    this.#content = previous.content;
    this.#chunks = previous.chunks;
    this.#chunksPublished = previous.chunksPublished;
    this.#batches = previous.batches;
    this.#gaps = previous.gaps;
    this.#erased = previous.erased ?? 0;
    this.#steps = previous.steps;
    this.#addRows(previous.rows);
    for (const range of previous.offsets) this.#offsets.set(range.partition, range);
    this.#skipped = { skipped: previous.skipped, earlierSkipped: previous.earlierSkipped };
    this.#decisions = previous.decisions;
    this.countUnknownFields(previous);
    this.countReasons(previous.reasons);
  }

  get topic(): string {
    return this.#topic;
  }

  /** Whether the run fetched or consumed any record. */
  get hasRecords(): boolean {
    return (this.#content?.records ?? 0) > 0 || this.hasConsumed;
  }

  /** Whether its topic had messages that had not landed. */
  get hasConsumed(): boolean {
    return this.#steps.consume.recordsIn > 0;
  }

  /** Shows a step that has begun, unless a later one is shown. */
  begin(step: Step): void {
    if (STEPS.indexOf(step) <= STEPS.indexOf(this.#step)) return;
    this.#step = step;
    upsertSearchAttributes([{ key: STEP, value: step }]);
    this.#publishDetails();
  }

  /** Adds to the counts of a step. */
  count(step: Step, counts: Partial<StepCounts>): void {
    const sum = this.#steps[step];
    const counted = {
      recordsIn: sum.recordsIn + (counts.recordsIn ?? 0),
      recordsOut: sum.recordsOut + (counts.recordsOut ?? 0),
      quarantined: sum.quarantined + (counts.quarantined ?? 0),
      bytes: sum.bytes + (counts.bytes ?? 0),
      seconds: sum.seconds + (counts.seconds ?? 0),
    };
    this.#steps = { ...this.#steps, [step]: counted };
    this.#publishDetails();
  }

  /** Sets the fetched content. Counts of an earlier fetch of this run, and of its publish, are dropped. */
  contentFetched(topic: string, content: Content | null, chunks: number): void {
    this.#steps = { ...this.#steps, fetch: NOTHING, publish: NOTHING };
    // All of them are of the publish, since nothing has landed yet.
    this.#reasons = new ReasonTally();
    this.#topic = topic;
    this.#content = content;
    this.#chunks = chunks;
    this.#chunksPublished = 0;
    this.#publishDetails();
  }

  /** Counts a published chunk. */
  chunkPublished(): void {
    this.#chunksPublished += 1;
    this.#publishDetails();
  }

  /** Sets the ranges that are still to land. */
  setPlanned(ranges: readonly OffsetRange[]): void {
    this.#offsetsDue = offsetsIn([...this.#offsets.values()]) + offsetsIn(ranges);
    this.#publishDetails();
  }

  /** Marks the ranges of a batch as done by a step; a batch that is done again counts once. */
  advance(step: 'consume' | 'transform', ranges: readonly OffsetRange[]): void {
    extend(this.#reached[step], ranges);
    this.#publishDetails();
  }

  /** Counts a landed batch. */
  batchLanded(ranges: readonly OffsetRange[], gaps: number, rows: Readonly<Record<string, number>>): void {
    this.#batches += 1;
    this.#gaps += gaps;
    extend(this.#offsets, ranges);
    this.#addRows(rows);
    this.#publishDetails();
  }

  /** Counts fields that no table has. */
  countUnknownFields(fields: FieldCounts): void {
    this.#unknownFields.addCounts(fields);
  }

  /** Counts the reasons for which records went into quarantine. */
  countReasons(reasons: ReasonCounts | undefined): void {
    if (reasons !== undefined) this.#reasons.addAll(reasons);
  }

  /** Counts the dropped messages of erased persons. */
  countErased(messages: number | undefined): void {
    this.#erased += messages ?? 0;
  }

  addSkipped(what: Skipped): void {
    this.#skipped = withSkipped(this.#skipped, what);
    this.#publishDetails();
  }

  /** Adds a person's decision. */
  addDecision(decision: RecordedDecision): void {
    this.#decisions = withDecision(this.#decisions, decision);
  }

  /** Sets the failure that the run waits for a decision about; null once it is made. */
  setWaiting(waiting: Waiting | null): void {
    this.waiting = waiting;
    this.#state = waiting === null ? 'running' : 'waiting';
    upsertSearchAttributes([{ key: STEP, value: waiting === null ? this.#step : 'waiting' }]);
    this.#publishDetails();
  }

  /** Returns the outcome of a run that landed all that it planned. */
  outcome(isUnchanged: boolean): RunOutcome {
    if (isUnchanged && !this.hasConsumed) return 'unchanged';
    return this.hasRecords ? 'landed' : 'nothing-new';
  }

  /** Returns the result of a run with this outcome. */
  result<Outcome extends RunEnd>(outcome: Outcome): Omit<IngestResult, 'outcome'> & { outcome: Outcome } {
    return { outcome, ...this.#progress() };
  }

  /** Whether a person made a decision about the run. */
  get hasDecisions(): boolean {
    return this.#decisions.latest.length > 0;
  }

  /** Sets the outcome and the search attributes of the counts. */
  end(outcome: RunOutcome): void {
    this.#state = outcome;
    const { fetch, transform, land, publish } = this.#steps;
    upsertSearchAttributes([
      { key: STEP, value: outcome },
      { key: RECORDS_IN, value: Math.max(fetch.recordsOut, transform.recordsIn) },
      { key: RECORDS_LANDED, value: land.recordsOut },
      { key: RECORDS_QUARANTINED, value: transform.quarantined + publish.quarantined },
    ]);
    this.#publishDetails();
  }

  /** Sets the failure of a run that ends without an outcome. */
  fail(state: 'failed' | 'cancelled', failure: string): void {
    this.waiting = null;
    this.#state = state;
    this.#failure = failure;
    this.#publishDetails();
  }

  status(): RunStatus {
    // The most important come first: the Temporal UI shows the answer as it is.
    return {
      state: this.#state,
      step: this.#step,
      waiting: this.waiting,
      failure: this.#failure,
      chunks: this.#chunks,
      chunksPublished: this.#chunksPublished,
      offsetsDue: this.#offsetsDue,
      offsetsConsumed: this.#offsetsReached('consume'),
      offsetsTransformed: this.#offsetsReached('transform'),
      offsetsLanded: offsetsIn([...this.#offsets.values()]),
      ...this.#progress(),
    };
  }

  #offsetsReached(step: 'consume' | 'transform'): number {
    const furthest = new Map(this.#offsets);
    extend(furthest, [...this.#reached[step].values()]);
    return offsetsIn([...furthest.values()]);
  }

  #progress(): Omit<IngestResult, 'outcome'> {
    return {
      source: this.source,
      topic: this.#topic,
      interval: this.#interval,
      content: this.#content,
      batches: this.#batches,
      gaps: this.#gaps,
      ...(this.#erased === 0 ? {} : { erased: this.#erased }),
      rows: Object.fromEntries(this.#rows),
      steps: { ...this.#steps },
      offsets: [...this.#offsets.values()].sort((a, b) => a.partition - b.partition),
      ...this.#skipped,
      decisions: this.#decisions,
      ...this.#unknownFields.top(MAX_NAMED_FIELDS),
      reasons: this.#reasons.top(MAX_REASONS_OF_RUN),
    };
  }

  #addRows(rows: Readonly<Record<string, number>>): void {
    for (const [table, count] of Object.entries(rows))
      this.#rows.set(table, (this.#rows.get(table) ?? 0) + count);
  }

  #publishDetails(): void {
    setCurrentDetails(formatRunDetails(this.status()));
  }
}

/** Extends the known range of each partition by ranges that continue it, or are a part of it. */
function extend(known: Map<number, OffsetRange>, ranges: readonly OffsetRange[]): void {
  for (const range of ranges) {
    const before = known.get(range.partition);
    if (before === undefined) known.set(range.partition, range);
    else if (BigInt(range.end) > BigInt(before.end))
      known.set(range.partition, { ...before, end: range.end });
  }
}
