import { defineQuery, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { NO_DECISIONS, withDecision, type RecordedDecision } from '../model/decisions.ts';
import { FieldTally, MAX_NAMED_FIELDS, type FieldCounts } from '../model/field-counts.ts';
import { MAX_REASONS_OF_RUN, ReasonTally, type ReasonCounts } from '../model/reasons.ts';
import { offsetsIn, type Content, type OffsetRange } from '../model/references.ts';
import {
  STEPS,
  type IngestRequest,
  type IngestResult,
  type Interval,
  type RunEnd,
  type RunOutcome,
  type RunStatus,
  type Step,
  type StepCounts,
  type Waiting,
} from '../model/run.ts';
import { RECORDS_IN, RECORDS_LANDED, RECORDS_QUARANTINED, SOURCE, STEP } from '../model/search-attributes.ts';
import { NOTHING_SKIPPED, withSkipped, type Skipped, type SkippedLog } from '../model/skipped.ts';
import { runDetails } from './run-details.ts';

/** Where a run is: a {@link RunStatus}. */
export const status = defineQuery<RunStatus>('status');

const NOTHING: StepCounts = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };

/** What a run has done so far, and its ways of telling: a query, the UI's details, search attributes. */
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
  readonly #rows = new Map<string, number>();
  readonly #offsets = new Map<number, OffsetRange>();
  /** Up to where each partition is consumed and transformed, as far as this history knows. */
  readonly #reached = { consume: new Map<number, OffsetRange>(), transform: new Map<number, OffsetRange>() };
  #skipped: SkippedLog = NOTHING_SKIPPED;
  #decisions = NO_DECISIONS;
  readonly #unknownFields = new FieldTally();
  #reasons = new ReasonTally();

  /** @param before Where the run was when its last history ended. */
  constructor({ source, from, to }: IngestRequest, before?: RunStatus) {
    this.source = source;
    this.#interval = { from: from ?? null, to: to ?? null };
    if (before !== undefined) this.#takeOver(before);
    setHandler(status, () => this.status(), {
      description: 'Where the run is: its steps, their counts, what it waits for.',
    });
    upsertSearchAttributes([
      { key: SOURCE, value: source },
      { key: STEP, value: this.#step },
    ]);
    this.#tell();
  }

  #takeOver(before: RunStatus): void {
    this.#topic = before.topic;
    this.#step = before.step;
    this.#content = before.content;
    this.#chunks = before.chunks;
    this.#chunksPublished = before.chunksPublished;
    this.#batches = before.batches;
    this.#gaps = before.gaps;
    this.#steps = before.steps;
    this.#addRows(before.rows);
    for (const range of before.offsets) this.#offsets.set(range.partition, range);
    this.#skipped = { skipped: before.skipped, earlierSkipped: before.earlierSkipped };
    this.#decisions = before.decisions;
    this.met(before);
    this.quarantined(before.reasons);
  }

  get topic(): string {
    return this.#topic;
  }

  /** Whether the run brought anything that is to be remembered. */
  get broughtSomething(): boolean {
    return (this.#content?.records ?? 0) > 0 || this.consumedSomething;
  }

  /** Whether its topic held messages that had not landed. */
  get consumedSomething(): boolean {
    return this.#steps.consume.recordsIn > 0;
  }

  /** Notes that a step has begun; the furthest one is shown. */
  begin(step: Step): void {
    if (STEPS.indexOf(step) <= STEPS.indexOf(this.#step)) return;
    this.#step = step;
    upsertSearchAttributes([{ key: STEP, value: step }]);
    this.#tell();
  }

  /** Adds to what a step did. */
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
    this.#tell();
  }

  /** Notes what was fetched. A fetch that had to be made again counts once, and so does its publishing. */
  fetched(topic: string, content: Content | null, chunks: number): void {
    this.#steps = { ...this.#steps, fetch: NOTHING, publish: NOTHING };
    // Nothing has landed yet, so that all of it is of what was published.
    this.#reasons = new ReasonTally();
    this.#topic = topic;
    this.#content = content;
    this.#chunks = chunks;
    this.#chunksPublished = 0;
    this.#tell();
  }

  published(): void {
    this.#chunksPublished += 1;
    this.#tell();
  }

  due(ranges: readonly OffsetRange[]): void {
    this.#offsetsDue = offsetsIn([...this.#offsets.values()]) + offsetsIn(ranges);
    this.#tell();
  }

  /** Notes that a step is done with a batch; one that had to be done again counts once. */
  reached(step: 'consume' | 'transform', ranges: readonly OffsetRange[]): void {
    extend(this.#reached[step], ranges);
    this.#tell();
  }

  landed(ranges: readonly OffsetRange[], gaps: number, rows: Readonly<Record<string, number>>): void {
    this.#batches += 1;
    this.#gaps += gaps;
    extend(this.#offsets, ranges);
    this.#addRows(rows);
    this.#tell();
  }

  /** Notes fields that no table knows. */
  met(fields: FieldCounts): void {
    this.#unknownFields.addCounts(fields);
  }

  /** Notes why records went into quarantine, where a step says so. */
  quarantined(reasons: ReasonCounts | undefined): void {
    if (reasons !== undefined) this.#reasons.addAll(reasons);
  }

  skipped(what: Skipped): void {
    this.#skipped = withSkipped(this.#skipped, what);
    this.#tell();
  }

  decided(decision: RecordedDecision): void {
    this.#decisions = withDecision(this.#decisions, decision);
  }

  wait(waiting: Waiting | null): void {
    this.waiting = waiting;
    this.#state = waiting === null ? 'running' : 'waiting';
    upsertSearchAttributes([{ key: STEP, value: waiting === null ? this.#step : 'waiting' }]);
    this.#tell();
  }

  /** What the run reports when it ends so. */
  result<Outcome extends RunEnd>(outcome: Outcome): Omit<IngestResult, 'outcome'> & { outcome: Outcome } {
    return { outcome, ...this.#soFar() };
  }

  /** Whether a person told the run anything. */
  get wasTold(): boolean {
    return this.#decisions.latest.length > 0;
  }

  /** Notes the end, for the UI and for searches. */
  end(outcome: RunOutcome): void {
    this.#state = outcome;
    const { fetch, transform, land, publish } = this.#steps;
    upsertSearchAttributes([
      { key: STEP, value: outcome },
      { key: RECORDS_IN, value: Math.max(fetch.recordsOut, transform.recordsIn) },
      { key: RECORDS_LANDED, value: land.recordsOut },
      { key: RECORDS_QUARANTINED, value: transform.quarantined + publish.quarantined },
    ]);
    this.#tell();
  }

  /** Notes that the run ends without an outcome, for the UI and for who asks. */
  fail(state: 'failed' | 'cancelled', failure: string): void {
    this.waiting = null;
    this.#state = state;
    this.#failure = failure;
    this.#tell();
  }

  status(): RunStatus {
    // What is asked for most comes first: the Temporal UI shows the answer as it is.
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
      ...this.#soFar(),
    };
  }

  #offsetsReached(step: 'consume' | 'transform'): number {
    const furthest = new Map(this.#offsets);
    extend(furthest, [...this.#reached[step].values()]);
    return offsetsIn([...furthest.values()]);
  }

  #soFar(): Omit<IngestResult, 'outcome'> {
    return {
      source: this.source,
      topic: this.#topic,
      interval: this.#interval,
      content: this.#content,
      batches: this.#batches,
      gaps: this.#gaps,
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

  #tell(): void {
    setCurrentDetails(runDetails(this.status()));
  }
}

/** Adds ranges to those of their partitions, which they go on from, or are a part of. */
function extend(known: Map<number, OffsetRange>, ranges: readonly OffsetRange[]): void {
  for (const range of ranges) {
    const before = known.get(range.partition);
    if (before === undefined) known.set(range.partition, range);
    else if (BigInt(range.end) > BigInt(before.end))
      known.set(range.partition, { ...before, end: range.end });
  }
}
