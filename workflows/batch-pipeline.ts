import { condition, workflowInfo } from '@temporalio/workflow';
import type { Consumed } from '../activities/consume.ts';
import type { Plan } from '../activities/plan.ts';
import type { Batch, OffsetRange } from '../model/references.ts';
import { isHostLost, isOvertaken } from './activity-proxies.ts';

/** How a batch is read. */
export interface ConsumeOptions {
  /** Whether the batch is exactly these ranges; else as much of them as a batch may hold. */
  readonly exact: boolean;
  /** Whether a person let the run skip a batch of Kafka at its beginning that cannot be read. */
  readonly skipUnreadable?: boolean;
}

/** The steps of a batch. */
export interface BatchSteps {
  readonly consume: (batch: Batch, options: ConsumeOptions) => Promise<Consumed>;
  /** Transforms a batch, and lands it once the previous batch has landed. */
  readonly land: (consumed: Consumed, previous: Promise<void>) => Promise<void>;
}

/**
 * How far a plan was carried out: all landed; another run landed a part of it, or more was due than a plan holds, so plan
 * again; or the workflow's history is full, so continue as new.
 */
export type PlanProgress = 'landed' | 'plan-again' | 'history-full';

/** The most batches in work: one is read, two are transformed, one is landed. */
const MAX_BATCHES_IN_WORK = 4;

/** How often another run may overtake this one before the error is raised; each time another run landed something. */
const MAX_OVERTAKINGS = 100;

/** Carries out plans, batch by batch: while earlier batches are transformed and landed, the next is read. */
export class BatchPipeline {
  readonly #steps: BatchSteps;
  #overtakings = 0;

  constructor(steps: BatchSteps) {
    this.#steps = steps;
  }

  /** @throws The first error of a batch, after the batches in work have ended. */
  async run(topic: string, plan: Plan): Promise<PlanProgress> {
    if (plan.ranges.length === 0) return 'landed';
    try {
      if (!(await this.#landAll(topic, plan))) return 'history-full';
      return plan.unfinished ? 'plan-again' : 'landed';
    } catch (error) {
      this.#overtakings += 1;
      if (!isOvertaken(error) || this.#overtakings > MAX_OVERTAKINGS) throw error;
      return 'plan-again';
    }
  }

  /** Returns whether all of a plan landed; false where the history became full first. */
  async #landAll(topic: string, { topicId, ranges, unfinished }: Plan): Promise<boolean> {
    const landings: Promise<void>[] = [];
    const work = { active: 0, failed: false };
    let remaining: readonly OffsetRange[] = ranges;
    const start = (consumed: Consumed): void => {
      const previous = landings.at(-1) ?? Promise.resolve();
      work.active += 1;
      const landing = this.#land(consumed, previous).finally(() => (work.active -= 1));
      landing.catch(() => (work.failed = true));
      landings.push(landing);
    };
    try {
      while (remaining.length > 0 && !work.failed && !workflowInfo().continueAsNewSuggested) {
        const batch = { topic, ranges: remaining, ...(topicId !== undefined && { topicId }) };
        const consumed = await this.#steps.consume(batch, { exact: unfinished });
        remaining = without(remaining, consumed.staged.batch.ranges);
        start(consumed);
        await condition(() => work.active < MAX_BATCHES_IN_WORK || work.failed);
      }
    } finally {
      await Promise.allSettled(landings);
    }
    await Promise.all(landings);
    return remaining.length === 0;
  }

  /** Transforms and lands a batch; where its host is lost, reads it again on another. */
  async #land(first: Consumed, previous: Promise<void>): Promise<void> {
    for (let consumed = first; ;) {
      try {
        await this.#steps.land(consumed, previous);
        return;
      } catch (error) {
        if (!isHostLost(error)) throw error;
        const skipUnreadable = consumed.unreadable !== undefined;
        consumed = await this.#steps.consume(consumed.staged.batch, { exact: true, skipUnreadable });
      }
    }
  }
}

function without(ranges: readonly OffsetRange[], consumed: readonly OffsetRange[]): OffsetRange[] {
  const ends = new Map(consumed.map(({ partition, end }) => [partition, end]));
  return ranges
    .map((range) => ({ ...range, start: ends.get(range.partition) ?? range.start }))
    .filter(({ start, end }) => start !== end);
}
