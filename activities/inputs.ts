import { z } from 'zod';
import {
  DECISIONS,
  MAX_BY_LENGTH,
  MAX_DECISIONS_KEPT,
  MAX_REASON_LENGTH,
  MAX_WHAT_LENGTH,
  type DecisionLog,
  type RecordedDecision,
} from '../model/decisions.ts';
import { MAX_NAMED_FIELDS, type FieldCounts, type OtherFields } from '../model/field-counts.ts';
import { parseChunkId } from '../model/identity.ts';
import type { ReasonCount, ReasonCounts } from '../model/reasons.ts';
import {
  MAX_CHUNKS,
  MAX_SOURCES_OF_A_TOPIC,
  type Batch,
  type Chunk,
  type Content,
  type SourceRows,
  type StagedBatch,
  type StagedTables,
} from '../model/references.ts';
import {
  MAX_TIME_LENGTH,
  RUN_ENDS,
  type EndedRun,
  type IngestRequest,
  type StepCounts,
} from '../model/run.ts';
import { STEPS } from '../model/step.ts';
import { MAX_SKIPPED_KEPT, MAX_SKIPPED_LENGTH, type EarlierSkipped, type Skipped } from '../model/skipped.ts';
import type { Settings } from '../model/settings.ts';
import { NAME } from '../model/settings-values.ts';
import { BATCH_TABLES } from '../tables/index.ts';
import type { ConsumeRequest } from './consume.ts';
import { ERASURE_INPUTS } from './erasure-inputs.ts';
import type { FetchRequest } from './fetch.ts';
import type { Activities } from './index.ts';
import {
  COUNT,
  DATE,
  ENDS,
  INTERVAL_TIME,
  PATH,
  RANGES,
  RUN_ID,
  SECONDS,
  TIME,
  mapOf,
  text,
  type SchemaShape,
} from './input-values.ts';
import type { CheckQuarantineLimitRequest } from './check-quarantine-limit.ts';
import type { LandRequest } from './land.ts';
import type { PlanRequest } from './plan.ts';
import type { PublishRequest } from './publish.ts';
import type { RecordRequest } from './record.ts';
import type { TransformRequest } from './transform.ts';
import { TABLE_INPUTS } from './table-inputs.ts';

/**
 * The schema of each activity's input. Any client of the Temporal namespace can schedule an activity with any input, so
 * inputs are validated before use. Unknown keys are rejected.
 */
export type ActivityInputs = Readonly<Record<keyof Activities, z.ZodType>>;

const MAX_PATH_LENGTH = 700;

const CHUNK = z.strictObject({
  id: z.string().refine((id) => parseChunkId(id) !== undefined, 'must be a chunk’s id'),
  path: PATH,
  records: COUNT,
  bytes: COUNT,
  largestBytes: COUNT.optional(),
} satisfies SchemaShape<Chunk>);
const STEP = z.enum(STEPS);
const ROWS = mapOf(z.enum(BATCH_TABLES.map(({ name }) => name)), COUNT, BATCH_TABLES.length);
const REASONS = z.strictObject({
  named: z
    .array(
      z.strictObject({
        step: STEP,
        path: text(8192),
        reason: text(8192),
        count: COUNT,
      } satisfies SchemaShape<ReasonCount>),
    )
    .max(1000),
  others: COUNT,
} satisfies SchemaShape<ReasonCounts>);
const FIELD_COUNTS = {
  unknownFields: mapOf(text(MAX_PATH_LENGTH), COUNT, MAX_NAMED_FIELDS),
  otherUnknownFields: z.strictObject({ paths: COUNT, fields: COUNT } satisfies SchemaShape<OtherFields>),
} satisfies SchemaShape<FieldCounts>;
const COUNTS = z.strictObject({
  recordsIn: COUNT,
  recordsOut: COUNT,
  quarantined: COUNT,
  bytes: COUNT,
  seconds: SECONDS,
} satisfies SchemaShape<StepCounts>);
const REQUEST = z.strictObject({
  source: NAME,
  from: INTERVAL_TIME.nullish(),
  to: INTERVAL_TIME.nullish(),
  interval: text(MAX_TIME_LENGTH).nullish(),
  again: z.boolean().nullish(),
} satisfies SchemaShape<IngestRequest>);

const FETCH = z.strictObject({
  source: NAME,
  from: INTERVAL_TIME.optional(),
  to: INTERVAL_TIME.optional(),
  again: RUN_ID.optional(),
} satisfies SchemaShape<FetchRequest>);

const CHECK_QUARANTINE_LIMIT = z.strictObject({
  source: NAME,
  chunks: z.array(CHUNK).max(MAX_CHUNKS),
} satisfies SchemaShape<CheckQuarantineLimitRequest>);

/** Returns the schemas of the activities' inputs; topics and sources must be those of the settings. */
export function activityInputs({ sources }: Pick<Settings, 'sources'>): ActivityInputs {
  const topics = new Set(Object.values(sources).map(({ topic }) => topic));
  const topic = z.string().refine((name) => topics.has(name), 'must be a topic of a source of pipeline.yaml');
  const isTopicOf: TopicCheck = (source, name) =>
    Object.hasOwn(sources, source) && sources[source]?.topic === name;
  const batch = z.strictObject({
    topic,
    ranges: RANGES.min(1),
    topicId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional(),
  } satisfies SchemaShape<Batch>);
  return {
    fetch: FETCH,
    checkQuarantineLimit: CHECK_QUARANTINE_LIMIT,
    publish: z
      .strictObject({
        source: NAME,
        topic,
        chunks: z.array(CHUNK).min(1).max(MAX_CHUNKS),
        ingestedOn: DATE,
      } satisfies SchemaShape<PublishRequest>)
      .refine((request) => isTopicOf(request.source, request.topic), 'must name a source and its topic'),
    plan: z.strictObject({
      topic,
      publishedEnds: ENDS,
      until: ENDS.nullable(),
    } satisfies SchemaShape<PlanRequest>),
    consume: z.strictObject({
      batch,
      exact: z.boolean(),
      pastUnreadable: z.boolean().optional(),
    } satisfies SchemaShape<ConsumeRequest>),
    transform: z.strictObject({
      staged: z.strictObject({
        batch,
        path: PATH,
        messages: COUNT,
        gaps: COUNT,
        bytes: COUNT,
      } satisfies SchemaShape<StagedBatch>),
      ingestedOn: DATE,
      pastLimit: z.boolean().optional(),
    } satisfies SchemaShape<TransformRequest>),
    land: z.strictObject({
      tables: tablesOf(batch).refine(
        (tables) => tables.sources.every(({ source }) => isTopicOf(source, tables.batch.topic)),
        'must have files of sources of its topic alone',
      ),
      skipped: z.boolean(),
    } satisfies SchemaShape<LandRequest>),
    record: recordInput(isTopicOf, sources),
    cleanUp: z.undefined(),
    listTables: z.undefined(),
    ...TABLE_INPUTS,
    ...ERASURE_INPUTS,
  };
}

const CONTENT = z.strictObject({
  format: z.string().regex(/^[a-z-]{1,32}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  again: RUN_ID.optional(),
  records: COUNT,
  bytes: COUNT,
  chunks: COUNT.max(MAX_CHUNKS),
} satisfies SchemaShape<Content>);

const DECISION_LOG = z.strictObject({
  latest: z
    .array(
      z.strictObject({
        decision: z.enum(DECISIONS),
        step: STEP,
        what: text(MAX_WHAT_LENGTH),
        code: text(100),
        by: text(MAX_BY_LENGTH).nullable(),
        reason: text(MAX_REASON_LENGTH).nullable(),
        at: TIME,
      } satisfies SchemaShape<RecordedDecision>),
    )
    .max(MAX_DECISIONS_KEPT),
  earlier: COUNT,
} satisfies SchemaShape<DecisionLog>);

const RESULT = z.strictObject({
  outcome: z.enum(RUN_ENDS),
  source: NAME,
  topic: text(200),
  interval: z.strictObject({ from: INTERVAL_TIME.nullable(), to: INTERVAL_TIME.nullable() }),
  content: CONTENT.nullable(),
  batches: COUNT,
  gaps: COUNT,
  erased: COUNT.optional(),
  rows: ROWS,
  steps: z.strictObject({
    fetch: COUNTS,
    publish: COUNTS,
    consume: COUNTS,
    transform: COUNTS,
    land: COUNTS,
  }),
  offsets: RANGES,
  skipped: z
    .array(
      z.strictObject({
        step: STEP,
        what: text(MAX_SKIPPED_LENGTH),
        code: text(100),
      } satisfies SchemaShape<Skipped>),
    )
    .max(MAX_SKIPPED_KEPT),
  earlierSkipped: z.strictObject({ count: COUNT, unmarked: COUNT } satisfies SchemaShape<EarlierSkipped>),
  decisions: DECISION_LOG,
  ...FIELD_COUNTS,
  reasons: REASONS,
} satisfies SchemaShape<EndedRun>);

/** Returns whether a topic is that of a source. */
type TopicCheck = (source: string, topic: string) => boolean;

function recordInput(isTopicOf: TopicCheck, sources: Settings['sources']) {
  return z
    .strictObject({
      request: REQUEST,
      result: RESULT,
      startedAt: TIME,
      finishedAt: TIME,
      ingestedOn: DATE,
    } satisfies SchemaShape<RecordRequest>)
    .refine(
      ({ result: { source, topic: name, outcome } }) =>
        isTopicOf(source, name) || (name === '' && outcome !== 'landed' && Object.hasOwn(sources, source)),
      'must name a source and its topic',
    )
    .refine(({ request, result }) => request.source === result.source, 'must be of one source')
    .refine(({ startedAt, finishedAt }) => startedAt <= finishedAt, 'must not end before it starts')
    .refine(({ startedAt, ingestedOn }) => startedAt.startsWith(ingestedOn), 'must be of the day it starts');
}

function tablesOf<B extends z.ZodType<{ topic: string }>>(batch: B) {
  const source = z.strictObject({
    source: NAME,
    landed: COUNT,
    refused: COUNT,
    bytes: COUNT,
  } satisfies SchemaShape<SourceRows>);
  return z.strictObject({
    batch,
    files: z.strictObject({
      count: COUNT,
      bytes: COUNT,
      sha256: z.string().regex(/^(?:[0-9a-f]{64})?$/),
    }),
    rows: ROWS,
    sources: z.array(source).max(MAX_SOURCES_OF_A_TOPIC),
    staged: z.array(PATH).min(1).max(2),
    landed: COUNT,
    quarantined: COUNT,
    erased: COUNT.optional(),
    ...FIELD_COUNTS,
    reasons: REASONS.optional(),
    seconds: SECONDS,
  } satisfies SchemaShape<StagedTables>);
}
