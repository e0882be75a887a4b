import type { Activities } from '../activities/index.ts';
import type { PublishRequest } from '../activities/publish.ts';
import type { Published } from '../model/published.ts';
import type { ReasonCounts } from '../model/reasons.ts';
import { describe } from '../model/reasons.ts';
import type { SourceRows } from '../model/references.ts';
import { defaultSourceOf, type Settings } from '../model/settings.ts';
import { OTHER_REASONS, type Metrics } from './metrics.ts';
import type { Watch } from './watch.ts';

/** The label `source` of reasons that belong to several sources. */
export const SEVERAL_SOURCES = 'several sources';

/**
 * Wraps the activities with logging and metrics. Only successful attempts count records, so each step counts once,
 * however often it is retried.
 */
export function countedActivities(
  activities: Activities,
  settings: Settings,
  metrics: Metrics,
  watch: Watch,
): Activities {
  const topicSource = ({ topic }: { readonly topic: string }): string => defaultSourceOf(settings, topic);
  const counts = new StepCounts(metrics);
  return {
    fetch: watch('fetch', activities.fetch, {
      sourceOf: ({ source }) => source,
      count: ({ content }, { source }) => {
        const { records, bytes } = content ?? { records: 0, bytes: 0 };
        counts.add(source, 'fetch', { recordsIn: records, recordsOut: records, bytes });
      },
    }),
    checkQuarantineLimit: watch('checkQuarantineLimit', activities.checkQuarantineLimit, {
      sourceOf: ({ source }) => source,
    }),
    publish: watch('publish', activities.publish, {
      sourceOf: ({ source }) => source,
      count: (published, request) => {
        counts.addPublished(published, request);
      },
    }),
    plan: watch('plan', activities.plan, { sourceOf: topicSource }),
    consume: watch('consume', activities.consume, {
      sourceOf: ({ batch }) => topicSource(batch),
      count: ({ staged: { batch, messages, bytes } }) => {
        // The sources of the messages are only known after `transform`.
        counts.add(topicSource(batch), 'consume', { recordsIn: messages, recordsOut: messages, bytes });
      },
    }),
    transform: watch('transform', activities.transform, {
      sourceOf: ({ staged }) => topicSource(staged.batch),
      count: ({ sources, reasons, quarantined, erased = 0 }, { staged }) => {
        // The messages of several sources are counted together, under the topic's default source.
        counts.addErased(topicSource(staged.batch), 'transform', erased);
        for (const { source, landed, refused, bytes } of sources)
          counts.add(source, 'transform', { recordsIn: landed + refused, recordsOut: landed, bytes });
        counts.addReasons(refusedSource(sources), 'transform', reasons, quarantined);
      },
    }),
    land: watch('land', activities.land, {
      sourceOf: ({ tables }) => topicSource(tables.batch),
      count: (_, { tables }) => {
        for (const { source, landed, bytes } of tables.sources)
          counts.add(source, 'land', { recordsIn: landed, recordsOut: landed, bytes });
      },
    }),
    record: watch('record', activities.record, { sourceOf: ({ result }) => result.source }),
    cleanUp: watch('cleanUp', activities.cleanUp, {}),
    ...upkeepActivities(activities, watch),
  };
}

type UpkeepActivities = Pick<
  Activities,
  | 'listTables'
  | 'compact'
  | 'cleanLog'
  | 'vacuum'
  | 'planRebuild'
  | 'rebuildPart'
  | 'commitRebuild'
  | 'suppress'
  | 'findMessages'
  | 'eraseTable'
  | 'kafkaExpiry'
  | 'recordErasure'
>;

/** The activities of the workflows `maintain`, `rebuild` and `erase`. */
function upkeepActivities(activities: Activities, watch: Watch): UpkeepActivities {
  return {
    listTables: watch('listTables', activities.listTables, {}),
    ...watchedUpkeep(activities, watch),
  };
}

/** Wraps the activities of upkeep and rebuilds. */
function watchedUpkeep(activities: Activities, watch: Watch) {
  return {
    compact: watch('compact', activities.compact, {}),
    cleanLog: watch('cleanLog', activities.cleanLog, {}),
    vacuum: watch('vacuum', activities.vacuum, {}),
    planRebuild: watch('planRebuild', activities.planRebuild, {}),
    rebuildPart: watch('rebuildPart', activities.rebuildPart, {}),
    commitRebuild: watch('commitRebuild', activities.commitRebuild, {}),
    suppress: watch('suppress', activities.suppress, { sourceOf: ({ source }) => source }),
    findMessages: watch('findMessages', activities.findMessages, { sourceOf: ({ source }) => source }),
    eraseTable: watch('eraseTable', activities.eraseTable, { sourceOf: ({ erasure }) => erasure.source }),
    kafkaExpiry: watch('kafkaExpiry', activities.kafkaExpiry, { sourceOf: ({ source }) => source }),
    recordErasure: watch('recordErasure', activities.recordErasure, {
      sourceOf: ({ erasure }) => erasure.source,
    }),
  };
}

/** Counts the results of steps as metrics. */
class StepCounts {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  add(
    source: string,
    step: string,
    { recordsIn, recordsOut, bytes }: { recordsIn: number; recordsOut: number; bytes: number },
  ): void {
    this.#metrics.add('pipeline_records_in_total', { source, step }, recordsIn);
    this.#metrics.add('pipeline_records_out_total', { source, step }, recordsOut);
    this.#metrics.add('pipeline_bytes_total', { source, step }, bytes);
  }

  addPublished({ chunks: published }: Published, { source, chunks }: PublishRequest): void {
    published.forEach(({ refused, reasons, erased = 0 }, index) => {
      const { records = 0, bytes = 0 } = chunks[index] ?? {};
      this.add(source, 'publish', { recordsIn: records, recordsOut: records - refused - erased, bytes });
      this.addErased(source, 'publish', erased);
      this.addReasons(source, 'publish', reasons, refused);
    });
  }

  addErased(source: string, step: string, messages: number): void {
    if (messages > 0) this.#metrics.add('pipeline_erased_total', { source, step }, messages);
  }

  addReasons(source: string, step: string, reasons: ReasonCounts | undefined, total: number): void {
    if (total === 0) return;
    const { named, others } = reasons ?? { named: [], others: total };
    for (const { path, reason, count } of named)
      this.#metrics.quarantined(source, step, describe(path, reason), count);
    if (others > 0) this.#metrics.quarantined(source, step, OTHER_REASONS, others);
  }
}

/** Returns the only source with refused messages, or {@link SEVERAL_SOURCES}: a batch's reasons are not kept by source. */
function refusedSource(sources: readonly SourceRows[]): string {
  const [source = SEVERAL_SOURCES, ...others] = sources
    .filter(({ refused }) => refused > 0)
    .map((rows) => rows.source);
  return others.length === 0 ? source : SEVERAL_SOURCES;
}
