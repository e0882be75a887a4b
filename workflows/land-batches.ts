import { condition, workflowInfo } from '@temporalio/workflow';
import type { Consumed } from '../activities/consume.ts';
import type { Plan } from '../activities/plan.ts';
import { NO_FIELDS } from '../model/field-counts.ts';
import {
  NO_FILES,
  type Batch,
  type OffsetRange,
  type PartitionEnds,
  type StagedTables,
} from '../model/references.ts';
import { batchSummary, transformSummary, landSummary } from './summaries.ts';
import { anyHost, isHostLost, isOvertaken, onHost } from './activity-proxies.ts';
import { SKIPPED, type Decisions } from './decisions.ts';
import type { RunState } from './run-state.ts';

/** What the landing of a topic works with. */
export interface Landing {
  readonly run: RunState;
  readonly person: Decisions;
  readonly topic: string;
  /** The UTC day that names the partition of every row. */
  readonly ingestedOn: string;
  /** Notes a host whose disk is used. */
  readonly useHost: (hostId: string) => void;
}

/** So many batches are in work at once: one is read, two are transformed, one is landed. */
const BATCHES_AT_ONCE = 4;

/** So often another run may overtake this one before a person is asked; each time somebody landed something. */
const MAX_OVERTAKINGS = 100;

/** The name of a batch, which people are shown, tells so many of its ranges. */
const MAX_RANGES_NAMED = 20;

/** Up to where a topic is to be landed. */
export interface LandUntil {
  /** Where the run's own messages end. */
  readonly publishedEnds: PartitionEnds;
  /** The ends of the run's first plan, where it has made one. */
  readonly until: PartitionEnds | null;
}

/**
 * Lands everything in a topic up to its end as it is when this begins. When another run lands a part
 * meanwhile, the rest is planned anew; so two runs share the work.
 * @returns What is left to land with a new history, since this one has grown long; null when nothing is.
 */
export async function landTopic(
  landing: Landing,
  { publishedEnds, until: firstEnds }: LandUntil,
): Promise<LandUntil | null> {
  const { person, topic, run } = landing;
  let until = firstEnds;
  for (let overtaken = 0; ;) {
    const ends: PartitionEnds | null = until;
    const plan: Plan = await person.attempt({ step: 'consume', what: `topic ${topic}` }, () =>
      anyHost(`what there is to land of topic ${topic}`).plan({ topic, publishedEnds, until: ends }),
    );
    until = plan.ends;
    run.due(plan.ranges);
    if (plan.ranges.length === 0) return null;
    try {
      const isLanded = await landPlan(landing, plan);
      if (!isLanded) return { publishedEnds, until };
      if (!plan.unfinished) return null;
    } catch (error) {
      overtaken += 1;
      if (!isOvertaken(error) || overtaken > MAX_OVERTAKINGS) throw error;
    }
  }
}

/** Temporal bounds a history, and says when it is time for a new one. */
function isHistoryLong(): boolean {
  return workflowInfo().continueAsNewSuggested;
}

/**
 * Reads batch after batch while earlier ones are transformed and landed; they land in order.
 * @returns Whether all of it landed, or the history grew long before.
 */
async function landPlan(landing: Landing, plan: Plan): Promise<boolean> {
  const landings: Promise<void>[] = [];
  const work = { active: 0, failed: false };
  let rest = plan.ranges;
  const start = (consumed: Consumed): void => {
    const before = landings.at(-1) ?? Promise.resolve();
    work.active += 1;
    const landed = landBatch(landing, consumed, before).finally(() => (work.active -= 1));
    landed.catch(() => (work.failed = true));
    landings.push(landed);
  };
  try {
    while (rest.length > 0 && !work.failed && !isHistoryLong()) {
      const batch = { topic: landing.topic, ranges: rest, ...idOf(plan) };
      const consumed = await consume(landing, batch, plan.unfinished);
      rest = without(rest, consumed.staged.batch.ranges);
      start(consumed);
      await condition(() => work.active < BATCHES_AT_ONCE || work.failed);
    }
  } finally {
    await Promise.allSettled(landings);
  }
  await Promise.all(landings);
  return rest.length === 0;
}

function idOf({ topicId }: Plan): Pick<Batch, 'topicId'> {
  return topicId === undefined ? {} : { topicId };
}

/** @param isPassed Whether a person let the run pass this very batch before, which cannot be read. */
async function consume(landing: Landing, batch: Batch, exact: boolean, isPassed = false): Promise<Consumed> {
  landing.run.begin('consume');
  const consumed = await landing.person.attempt({ step: 'consume', what: nameOf(batch) }, (pastUnreadable) =>
    anyHost(batchSummary(batch, exact)).consume({
      batch,
      exact,
      ...(pastUnreadable || isPassed ? { pastUnreadable: true } : {}),
    }),
  );
  landing.useHost(consumed.host);
  landing.run.reached('consume', consumed.staged.batch.ranges);
  return consumed;
}

/** Transforms a batch and lands it when the one before it has landed; starts it again where its host is lost. */
async function landBatch(landing: Landing, first: Consumed, before: Promise<void>): Promise<void> {
  for (let consumed = first; ;) {
    try {
      await landStaged(landing, consumed, before);
      return;
    } catch (error) {
      if (!isHostLost(error)) throw error;
      consumed = await consume(landing, consumed.staged.batch, true, consumed.unreadable !== undefined);
    }
  }
}

async function landStaged(
  { run, person, ingestedOn }: Landing,
  consumed: Consumed,
  before: Promise<void>,
): Promise<void> {
  const { staged } = consumed;
  const what = nameOf(staged.batch);
  run.begin('transform');
  const transformed =
    consumed.unreadable !== undefined
      ? SKIPPED
      : await person.attemptOrSkip({ step: 'transform', what }, (pastLimit) =>
          onHost(consumed.host, transformSummary(staged)).transform({
            staged,
            ingestedOn,
            ...(pastLimit ? { pastLimit } : {}),
          }),
        );
  run.reached('transform', staged.batch.ranges);
  const tables = transformed === SKIPPED ? nothingOf(consumed) : transformed;
  await before;
  run.begin('land');
  const landed = await person.attempt({ step: 'land', what }, () =>
    onHost(consumed.host, landSummary(tables)).land({ tables, skipped: transformed === SKIPPED }),
  );
  const { messages } = staged;
  run.count('consume', {
    recordsIn: messages,
    recordsOut: messages,
    bytes: staged.bytes,
    seconds: consumed.seconds,
  });
  run.count('transform', {
    recordsIn: messages,
    recordsOut: tables.landed,
    quarantined: tables.quarantined,
    bytes: tables.files.bytes,
    seconds: tables.seconds,
  });
  run.count('land', {
    recordsIn: tables.landed,
    recordsOut: tables.landed,
    bytes: landed.bytes,
    seconds: landed.seconds,
  });
  // The person was asked about all that was to be read, of which this is one batch of Kafka's.
  if (consumed.unreadable !== undefined) run.skipped({ step: 'consume', what, code: consumed.unreadable });
  run.met(tables);
  run.quarantined(tables.reasons);
  run.landed(staged.batch.ranges, staged.gaps, landed.rows);
}

/** A batch that is skipped lands without a row: the tables only pass its offsets. */
function nothingOf({ staged }: Consumed): StagedTables {
  return {
    batch: staged.batch,
    ...NO_FILES,
    staged: [staged.path],
    landed: 0,
    quarantined: 0,
    ...NO_FIELDS,
    seconds: 0,
  };
}

function without(ranges: readonly OffsetRange[], read: readonly OffsetRange[]): OffsetRange[] {
  const ends = new Map(read.map(({ partition, end }) => [partition, end]));
  return ranges
    .map((range) => ({ ...range, start: ends.get(range.partition) ?? range.start }))
    .filter(({ start, end }) => start !== end);
}

/** No other batch has the same name: no two have an offset in common. */
function nameOf({ topic, ranges }: Batch): string {
  const named = ranges
    .slice(0, MAX_RANGES_NAMED)
    .map(({ partition, start, end }) => `${topic}/${partition} ${start} to before ${end}`);
  const more = ranges.length - named.length;
  return [...named, ...(more === 0 ? [] : [`${more} more partitions`])].join(', ');
}
