import { z } from 'zod';
import { STAGED_PATH } from '../adapters/run-staging.ts';
import {
  MAX_BY_LENGTH,
  MAX_DECISIONS_KEPT,
  MAX_REASON_LENGTH,
  type DecisionLog,
  type PersonsDecision,
} from '../model/decisions.ts';
import { PipelineError } from '../model/errors.ts';
import { MAX_NAMED_FIELDS, type FieldCounts, type OtherFields } from '../model/field-counts.ts';
import { parseChunkId } from '../model/identity.ts';
import type { ReasonCount, ReasonCounts } from '../model/reasons.ts';
import type { Batch, Chunk, Content, OffsetRange, StagedBatch, StagedTables } from '../model/references.ts';
import {
  DECISIONS,
  RUN_ENDS,
  STEPS,
  type EndedRun,
  type IngestRequest,
  type Skipped,
  type StepCounts,
} from '../model/run.ts';
import type { Settings } from '../model/settings.ts';
import { NAME } from '../model/settings-values.ts';
import { BATCH_TABLES } from '../tables/index.ts';
import type { ConsumeRequest } from './consume.ts';
import type { FetchRequest } from './fetch.ts';
import type { Activities } from './index.ts';
import type { JudgeRequest } from './judge.ts';
import type { LandRequest } from './land.ts';
import type { PlanRequest } from './plan.ts';
import type { PublishRequest } from './publish.ts';
import type { RecordRequest } from './record.ts';
import type { TransformRequest } from './transform.ts';

/**
 * What each activity accepts. Whoever may write to the Temporal namespace can schedule an activity with any input; so
 * nothing of an input is used before it is checked against this. Keys that are not named here are refused.
 */
export type ActivityInputs = Readonly<Record<keyof Activities, z.ZodType>>;

const MAX_CHUNKS = 20_000;
const MAX_PARTITIONS = 20_000;
const MAX_FILES = 2_000;
const MAX_SKIPPED = 10_000;
/** Characters of a text that says what was skipped: it can name each partition of a topic. */
const MAX_WHAT_LENGTH = 1 << 17;
const MAX_PATH_LENGTH = 700;
const MAX_STATS_LENGTH = 1 << 18;
const MAX_OFFSET = String(2n ** 63n - 1n);
const MAX_MESSAGE_LENGTH = 500;

/** A schema for each key of a type, which the compiler demands; others are refused. */
type Shape<T> = { readonly [K in keyof T]-?: z.ZodType };

const COUNT = z.int().min(0);
const SECONDS = z.number().min(0).max(1e9);
const DATE = z.iso.date();
const TIME = z.iso.datetime();
const PATH = z.string().regex(STAGED_PATH, 'must be a path in the run’s own staging folder');
const OFFSET = z.string().refine(isOffset, 'must be a 64-bit offset in decimal digits');
const ENDS = z
  .record(z.string().regex(/^(?:0|[1-9]\d{0,8})$/), OFFSET)
  .refine(hasAtMost(MAX_PARTITIONS), `must have at most ${MAX_PARTITIONS} partitions`);
const RUN_ID = z.uuid();
const INTERVAL_TIME = z
  .string()
  .max(64)
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time');

const RANGE = z.strictObject({
  partition: z.int().min(0).max(999_999_999),
  start: OFFSET,
  end: OFFSET,
} satisfies Shape<OffsetRange>);
const RANGES = z
  .array(RANGE)
  .max(MAX_PARTITIONS)
  .refine((ranges) => ranges.every(({ start, end }) => isBefore(start, end)), 'must not be empty')
  .refine(
    (ranges) => new Set(ranges.map(({ partition }) => partition)).size === ranges.length,
    'must have each partition once',
  );
const CHUNK = z.strictObject({
  id: z.string().refine((id) => parseChunkId(id) !== undefined, 'must be a chunk’s id'),
  path: PATH,
  records: COUNT,
  bytes: COUNT,
  largestBytes: COUNT.optional(),
} satisfies Shape<Chunk>);
const STEP = z.enum(STEPS);
const REASONS = z.strictObject({
  named: z
    .array(
      z.strictObject({
        step: STEP,
        path: text(8192),
        reason: text(8192),
        count: COUNT,
      } satisfies Shape<ReasonCount>),
    )
    .max(1000),
  others: COUNT,
} satisfies Shape<ReasonCounts>);
const FIELD_COUNTS = {
  unknownFields: z
    .record(text(MAX_PATH_LENGTH), COUNT)
    .refine(hasAtMost(MAX_NAMED_FIELDS), `must have at most ${MAX_NAMED_FIELDS} fields`),
  otherUnknownFields: z.strictObject({ paths: COUNT, fields: COUNT } satisfies Shape<OtherFields>),
} satisfies Shape<FieldCounts>;
const COUNTS = z.strictObject({
  recordsIn: COUNT,
  recordsOut: COUNT,
  quarantined: COUNT,
  bytes: COUNT,
  seconds: SECONDS,
} satisfies Shape<StepCounts>);
const REQUEST = z.strictObject({
  source: NAME,
  from: INTERVAL_TIME.nullish(),
  to: INTERVAL_TIME.nullish(),
  interval: text(64).nullish(),
  again: z.boolean().nullish(),
} satisfies Shape<IngestRequest>);

/** Returns the schemas of the activities' inputs; topics and sources must be those of the settings. */
export function activityInputs({ sources }: Pick<Settings, 'sources'>): ActivityInputs {
  const topics = new Set(Object.values(sources).map(({ topic }) => topic));
  const topic = z.string().refine((name) => topics.has(name), 'must be a topic of a source of pipeline.yaml');
  const isTopicOf = (source: string, of: string): boolean =>
    Object.hasOwn(sources, source) && sources[source]?.topic === of;
  const batch = z.strictObject({
    topic,
    ranges: RANGES.min(1),
    topicId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .optional(),
  } satisfies Shape<Batch>);
  return {
    fetch: z.strictObject({
      source: NAME,
      from: INTERVAL_TIME.optional(),
      to: INTERVAL_TIME.optional(),
      again: RUN_ID.optional(),
    } satisfies Shape<FetchRequest>),
    judge: z.strictObject({
      source: NAME,
      chunks: z.array(CHUNK).max(MAX_CHUNKS),
    } satisfies Shape<JudgeRequest>),
    publish: z
      .strictObject({
        source: NAME,
        topic,
        chunk: CHUNK,
        more: z.array(CHUNK).max(MAX_CHUNKS).optional(),
        ingestedOn: DATE,
      } satisfies Shape<PublishRequest>)
      .refine(({ source, topic: of }) => isTopicOf(source, of), 'must name a source and its topic'),
    plan: z.strictObject({ topic, publishedEnds: ENDS, until: ENDS.nullable() } satisfies Shape<PlanRequest>),
    consume: z.strictObject({
      batch,
      exact: z.boolean(),
      pastUnreadable: z.boolean().optional(),
    } satisfies Shape<ConsumeRequest>),
    transform: z.strictObject({
      staged: z.strictObject({
        batch,
        path: PATH,
        messages: COUNT,
        gaps: COUNT,
        bytes: COUNT,
      } satisfies Shape<StagedBatch>),
      ingestedOn: DATE,
      pastLimit: z.boolean().optional(),
    } satisfies Shape<TransformRequest>),
    land: z.strictObject({
      tables: tablesOf(batch).refine(
        ({ batch: { topic: of }, files }) => files.every(({ partition }) => isTopicOf(partition.source, of)),
        'must have files of sources of its topic alone',
      ),
      skipped: z.boolean(),
    } satisfies Shape<LandRequest>),
    record: z
      .strictObject({
        request: REQUEST,
        result: RESULT,
        startedAt: TIME,
        finishedAt: TIME,
        ingestedOn: DATE,
      } satisfies Shape<RecordRequest>)
      .refine(
        ({ result: { source, topic: of, outcome } }) =>
          isTopicOf(source, of) || (of === '' && outcome !== 'landed' && Object.hasOwn(sources, source)),
        'must name a source and its topic',
      )
      .refine(({ request, result }) => request.source === result.source, 'must be of one source')
      .refine(({ startedAt, finishedAt }) => startedAt <= finishedAt, 'must not end before it starts')
      .refine(
        ({ startedAt, ingestedOn }) => startedAt.startsWith(ingestedOn),
        'must be of the day it starts',
      ),
    tidy: z.undefined(),
  };
}

const CONTENT = z.strictObject({
  format: z.string().regex(/^[a-z-]{1,32}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  again: RUN_ID.optional(),
  records: COUNT,
  bytes: COUNT,
  chunks: COUNT.max(MAX_CHUNKS),
} satisfies Shape<Content>);

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
      } satisfies Shape<PersonsDecision>),
    )
    .max(MAX_DECISIONS_KEPT),
  earlier: COUNT,
} satisfies Shape<DecisionLog>);

const RESULT = z.strictObject({
  outcome: z.enum(RUN_ENDS),
  source: NAME,
  topic: text(200),
  interval: z.strictObject({ from: INTERVAL_TIME.nullable(), to: INTERVAL_TIME.nullable() }),
  content: CONTENT.nullable(),
  batches: COUNT,
  gaps: COUNT,
  rows: z.partialRecord(z.enum(BATCH_TABLES.map(({ name }) => name)), COUNT),
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
      z.strictObject({ step: STEP, what: text(MAX_WHAT_LENGTH), code: text(100) } satisfies Shape<Skipped>),
    )
    .max(MAX_SKIPPED),
  decisions: DECISION_LOG,
  ...FIELD_COUNTS,
  reasons: REASONS,
} satisfies Shape<EndedRun>);

function tablesOf<B extends z.ZodType<{ topic: string }>>(batch: B) {
  const file = z.strictObject({
    table: z.enum(BATCH_TABLES.map(({ name }) => name)),
    partition: z.strictObject({ source: NAME, ingested_on: DATE }),
    path: PATH,
    rows: COUNT,
    bytes: COUNT,
    stats: text(MAX_STATS_LENGTH),
  });
  return z.strictObject({
    batch,
    files: z.array(file).max(MAX_FILES),
    staged: z.array(PATH).min(1).max(2),
    landed: COUNT,
    quarantined: COUNT,
    ...FIELD_COUNTS,
    reasons: REASONS.optional(),
    seconds: SECONDS,
  } satisfies Shape<StagedTables>);
}

function isOffset(digits: string): boolean {
  return /^(?:0|[1-9]\d{0,18})$/.test(digits) && !isBefore(MAX_OFFSET, digits);
}

/** Compares offsets as texts, since those that are none are compared too. */
function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}

function text(maxLength: number): z.ZodString {
  return z.string().max(maxLength);
}

function hasAtMost(keys: number): (value: object) => boolean {
  return (value) => Object.keys(value).length <= keys;
}

/**
 * Makes sure that an activity was given what it accepts.
 * @param name The activity.
 * @param given Its arguments.
 * @throws {PipelineError} INPUT_INVALID, naming the key and never its value.
 */
export function requireInput(inputs: ActivityInputs, name: string, given: readonly unknown[]): void {
  const schema = new Map<string, z.ZodType>(Object.entries(inputs)).get(name);
  if (schema === undefined) throw invalid(name, 'there is no such activity');
  if (given.length > 1) throw invalid(name, `it has ${given.length} arguments, and can have one`);
  const parsed = schema.safeParse(given[0]);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw invalid(name, issue === undefined ? 'it is not valid' : described(issue));
}

function described({ path, message, code, ...rest }: z.core.$ZodIssue): string {
  const key = path.length === 0 ? 'the whole' : path.map(String).join('.');
  const unknown = code === 'unrecognized_keys' && 'keys' in rest ? rest.keys : undefined;
  return unknown === undefined ? `${key}: ${message}` : `${key} has keys that do not exist`;
}

function invalid(name: string, what: string): PipelineError {
  const told = JSON.stringify(`${name}: ${what}`.slice(0, MAX_MESSAGE_LENGTH)).slice(1, -1);
  return new PipelineError('INPUT_INVALID', `the input of the activity ${told}`);
}
