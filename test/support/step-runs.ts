import { randomUUID } from 'node:crypto';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { IdlePublishers } from '../../adapters/kafka/publisher-pool.ts';
import { decodingOf } from '../../adapters/kafka/read-options.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { topicIdOf } from '../../adapters/kafka/wire/topic-id.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging, type Execution } from '../../adapters/staging/staging.ts';
import { NO_DECISIONS } from '../../model/decisions.ts';
import { ReasonTally } from '../../model/reasons.ts';
import type { Content, StagedTables } from '../../model/references.ts';
import type { EndedRun, StepCounts } from '../../model/run.ts';
import { NOTHING_SKIPPED } from '../../model/skipped.ts';
import { SuppressionList } from '../../steps/erasure/suppression-list.ts';
import { landBatch, type LandedBatch } from '../../steps/landing/land-batch.ts';
import { planBatches } from '../../steps/landing/plan-batches.ts';
import { recordRun } from '../../steps/landing/run-record.ts';
import { publishChunks } from '../../steps/publish/publish-chunks.ts';
import type { RunContext } from '../../steps/run-context.ts';
import { fetchSource, type FetchedContent } from '../../steps/source/fetch-source.ts';
import { stageBatch } from '../../steps/transform/stage-batch.ts';
import transformBatch, { type BatchTables, type BatchTask } from '../../steps/transform/batch-worker.ts';
import { fromThreadResult } from '../../steps/transform/thread-result.ts';
import { transformStaged } from '../../steps/transform/transform-staged.ts';
import { upkeepLimits, type UpkeepDeps } from '../../steps/upkeep/deps.ts';
import { warehouseOf } from '../../steps/warehouse-of.ts';
import { TABLES } from '../../tables/index.ts';
import type { TestPipeline } from './harness.ts';

/** A step of a run. */
type StepName = 'fetch' | 'publish' | 'plan' | 'consume' | 'transform' | 'land' | 'record' | 'cleanUp';

/** A run that has ended. */
export interface StepRun {
  /** Of each step, in milliseconds. */
  readonly ms: Readonly<Record<StepName, number>>;
  /** Bytes of the files that it added to the tables of a batch. */
  readonly bytes: number;
}

const NO_COUNTS: StepCounts = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };

/** Runs of a source in this process, one after the other: the steps that the activities of `ingest` call, without Temporal. */
export class StepRuns {
  readonly warehouse: Warehouse;
  readonly #pipeline: TestPipeline;
  readonly #source: string;
  readonly #staging: Staging;
  readonly #publishers: IdlePublishers;
  readonly #suppressions: SuppressionList;

  private constructor(pipeline: TestPipeline, source: string, warehouse: Warehouse, staging: Staging) {
    this.#pipeline = pipeline;
    this.#source = source;
    this.warehouse = warehouse;
    this.#staging = staging;
    this.#publishers = new IdlePublishers(pipeline.kafka, pipeline.settings.kafka);
    this.#suppressions = new SuppressionList(warehouse);
  }

  /**
   * @param source A source of the pipeline whose url is a file, which is fetched by each run.
   * @param nowMs The clock of the tables; the machine's by default.
   */
  static async open(pipeline: TestPipeline, source: string, nowMs = Date.now): Promise<StepRuns> {
    const { settings, logger } = pipeline;
    const { path, options } = warehouseOf(settings, logger);
    const { staging, stagingBytes } = settings.worker;
    const opened = await Staging.open(staging, stagingBytes);
    return new StepRuns(pipeline, source, new Warehouse(path, { ...options, nowMs }), opened);
  }

  /** Runs the source once. All of its topic must land as one batch. */
  async run(): Promise<StepRun> {
    const run = newRun(this.#source);
    const startedMs = this.warehouse.nowMs();
    const own = RunStaging.of(this.#staging, run.execution);
    const { settings, logger, kafka } = this.#pipeline;
    const deps = { settings, logger, kafka, staging: this.#staging, warehouse: this.warehouse, own };
    const ingestedOn = isoTime(startedMs).slice(0, 10);
    const { ms, timed } = stopwatch();
    const fetched = await timed('fetch', () => fetchSource(deps, run, { source: this.#source }));
    const { topic, chunks } = fetched;
    const { ends } = await timed('publish', () =>
      publishChunks({ ...deps, publishers: this.#publishers }, run, {
        ...{ source: this.#source, topic, chunks, ingestedOn },
      }),
    );
    const { ranges, topicId } = await timed('plan', () =>
      planBatches(deps, { topic, publishedEnds: ends, until: null }, (name) => this.#topicIdOf(name)),
    );
    const batch = { topic, ranges, ...(topicId === undefined ? {} : { topicId }) };
    const { limits } = settings;
    const reading = { ...deps, limits, decoding: decodingOf(limits.batchDecodedBytes) };
    const { staged } = await timed('consume', () => stageBatch(reading, run, { batch, exact: false }));
    const transforming = { ...deps, suppressions: this.#suppressions, transform: transformHere };
    const tables = await timed('transform', () => transformStaged(transforming, run, { staged, ingestedOn }));
    const landed = await timed('land', () => landBatch(deps, run, { tables, skipped: false }));
    const result = resultOf(this.#source, fetched, tables, landed);
    await timed('record', () =>
      recordRun(deps, run, {
        request: { source: this.#source },
        result: { ...result, gaps: staged.gaps },
        startedAt: isoTime(startedMs),
        finishedAt: isoTime(this.warehouse.nowMs()),
        ingestedOn,
      }),
    );
    await timed('cleanUp', () => this.cleanUp(run.execution));
    return { ms, bytes: landed.bytes };
  }

  /** Returns what a run of `maintain` works with, as if no other run were open. */
  upkeep(): { readonly deps: UpkeepDeps; readonly run: RunContext } {
    const run = newRun('maintain');
    const deps = {
      warehouse: this.warehouse,
      limits: upkeepLimits(this.#pipeline.settings.maintenance),
      staging: this.#staging,
      own: RunStaging.of(this.#staging, run.execution),
      openRunIds: () => Promise.resolve(new Set<string>()),
    };
    return { deps, run };
  }

  /** Removes the temporary files of a run, as its last activity does. */
  async cleanUp(execution: Execution): Promise<void> {
    await this.#staging.removeRun(execution);
    for (const { name } of TABLES) await this.warehouse.table(name).deleteScratch(execution.runId);
  }

  async #topicIdOf(topic: string): Promise<string | undefined> {
    const { kafka, settings } = this.#pipeline;
    await ensureTopic(kafka, topic, settings.kafka);
    return topicIdOf(kafka, topic);
  }
}

/** Transforms a batch in this thread: a thread of its own would need the compiled program. */
async function transformHere(task: BatchTask): Promise<BatchTables> {
  return fromThreadResult(await transformBatch(task));
}

function newRun(name: string): RunContext {
  const startedAt = performance.now();
  const runId = randomUUID();
  return {
    execution: { workflowId: `${name}-${runId}`, runId },
    attempt: 1,
    signal: new AbortController().signal,
    seconds: () => (performance.now() - startedAt) / 1000,
  };
}

function stopwatch() {
  const ms: Record<StepName, number> = {
    ...{ fetch: 0, publish: 0, plan: 0, consume: 0 },
    ...{ transform: 0, land: 0, record: 0, cleanUp: 0 },
  };
  return {
    ms,
    timed: async <T>(name: StepName, work: () => Promise<T>): Promise<T> => {
      const startedAt = performance.now();
      const result = await work();
      ms[name] = performance.now() - startedAt;
      return result;
    },
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function resultOf(
  source: string,
  { topic, content }: FetchedContent,
  tables: StagedTables,
  { rows, bytes }: LandedBatch,
): Omit<EndedRun, 'gaps'> {
  const records = tables.landed + tables.quarantined;
  const counts = {
    recordsIn: records,
    recordsOut: tables.landed,
    quarantined: tables.quarantined,
    bytes,
    seconds: 0,
  };
  return {
    ...{ outcome: 'landed', source, topic, content, batches: 1, rows },
    interval: { from: null, to: null },
    steps: {
      fetch: fetchCounts(content),
      publish: fetchCounts(content),
      consume: NO_COUNTS,
      transform: counts,
      land: { ...counts, recordsIn: tables.landed, quarantined: 0 },
    },
    offsets: tables.batch.ranges,
    decisions: NO_DECISIONS,
    reasons: tables.reasons ?? new ReasonTally().top(1),
    unknownFields: tables.unknownFields,
    otherUnknownFields: tables.otherUnknownFields,
    ...NOTHING_SKIPPED,
  };
}

function fetchCounts(content: Content | null): StepCounts {
  const { records = 0, bytes = 0 } = content ?? {};
  return { ...NO_COUNTS, recordsIn: records, recordsOut: records, bytes };
}
