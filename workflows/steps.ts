import { workflowInfo } from '@temporalio/workflow';
import type { Consumed } from '../activities/consume.ts';
import type { Fetched, FetchRequest } from '../activities/fetch.ts';
import type { Plan } from '../activities/plan.ts';
import { NO_FIELDS } from '../model/field-counts.ts';
import { addEnds, type PublishedChunk } from '../model/published.ts';
import {
  NO_FILES,
  type Batch,
  type Chunk,
  type OffsetRange,
  type PartitionEnds,
  type StagedTables,
} from '../model/references.ts';
import type { IngestRequest } from '../model/run.ts';
import { anyHost, isHostLost, onHost } from './activity-proxies.ts';
import type { ConsumeOptions } from './batch-pipeline.ts';
import { SKIPPED } from './decisions.ts';
import type { PublishedContent, Run } from './run.ts';
import {
  batchSummary,
  fetchSummary,
  landSummary,
  publishSummary,
  quarantineLimitSummary,
  transformSummary,
} from './summaries.ts';

/** The most chunks of one publish activity: few activities, and progress that is still reported often. */
const CHUNKS_PER_PUBLISH = 16;

/** How many ranges the name of a batch lists; more are counted. */
const MAX_RANGES_NAMED = 20;

/** Retries steps that hand files to each other until they run on one host that keeps them. */
export async function retryOnOneHost<T>(steps: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await steps();
    } catch (error) {
      // The fetched files are gone. Chunks that were published stay, and are not published again.
      if (!isHostLost(error)) throw error;
    }
  }
}

/**
 * Fetches the source's content into chunks on a host's disk. Content with too many bad records, or with no good one,
 * waits for a decision; skip accepts it as it is.
 */
export async function fetch(run: Run): Promise<Fetched> {
  let fetched: Fetched | undefined;
  return run.decisions.attempt(
    { step: 'fetch', what: `source ${run.request.source}` },
    async (isAccepted) => {
      if (!isAccepted || fetched === undefined) fetched = await fetchContent(run);
      if (!isAccepted) await checkQuarantineLimit(run, fetched);
      return fetched;
    },
  );
}

async function fetchContent(run: Run): Promise<Fetched> {
  const { request, state, decisions } = run;
  const fetched = await decisions.attempt({ step: 'fetch', what: `source ${request.source}` }, () =>
    anyHost(fetchSummary(request)).fetch(fetchRequestOf(request)),
  );
  const { host, topic, content, chunks, seconds } = fetched;
  run.useHost(host);
  state.contentFetched(topic, content, chunks.length);
  if (content !== null) {
    const { records, bytes } = content;
    state.count('fetch', { recordsIn: records, recordsOut: records, bytes, seconds });
  }
  return fetched;
}

async function checkQuarantineLimit(
  { request: { source } }: Run,
  { outcome, host, chunks, isNothingGood, quarantineLimit }: Fetched,
): Promise<void> {
  if (outcome !== 'fetched' || (quarantineLimit === undefined && !isNothingGood)) return;
  await onHost(host, quarantineLimitSummary(chunks)).checkQuarantineLimit({ source, chunks });
}

/** The Temporal UI's form also gives null for what is left out. */
function fetchRequestOf({ source, from, to, again }: IngestRequest): FetchRequest {
  return {
    source,
    ...(typeof from === 'string' ? { from } : {}),
    ...(typeof to === 'string' ? { to } : {}),
    ...(again === true ? { again: workflowInfo().firstExecutionRunId } : {}),
  };
}

/** Publishes the fetched chunks, in order, each in one Kafka transaction. A chunk can be skipped. */
export async function publish(
  { request: { source }, state, decisions, ingestedOn }: Run,
  { outcome, host, topic, chunks }: Fetched,
): Promise<PublishedContent> {
  if (outcome === 'unchanged') return { ends: {}, isUnchanged: true };
  const ends: Record<number, string> = {};
  for (let index = 0; index < chunks.length;) {
    const next = chunks.slice(index, index + CHUNKS_PER_PUBLISH);
    const what = `chunk ${next[0]?.id ?? ''}`;
    state.begin('publish');
    const published = await decisions.attemptOrSkip({ step: 'publish', what }, () =>
      onHost(host, publishSummary(next, chunks.length)).publish({ source, topic, chunks: next, ingestedOn }),
    );
    if (published === SKIPPED) {
      index += 1;
      continue;
    }
    // After an error the activity returns the chunks that it published before, at least one.
    published.chunks.forEach((result, offset) => {
      countPublished({ state }, next[offset], result);
    });
    addEnds(ends, published.ends);
    index += published.chunks.length;
  }
  return { ends, isUnchanged: false };
}

function countPublished(
  { state }: Pick<Run, 'state'>,
  chunk: Chunk | undefined,
  { refused, reasons, erased = 0, seconds }: PublishedChunk,
): void {
  if (chunk === undefined) return;
  const { records, bytes } = chunk;
  state.count('publish', {
    recordsIn: records,
    recordsOut: records - refused - erased,
    quarantined: refused,
    bytes,
    seconds,
  });
  state.countReasons(reasons);
  state.countErased(erased);
  state.chunkPublished();
}

/** Plans the offset ranges to land: from the tables' positions to `until`, or at first to the end of the topic. */
export async function plan(
  { state, decisions }: Run,
  publishedEnds: PartitionEnds,
  until: PartitionEnds | null,
): Promise<Plan> {
  const { topic } = state;
  const planned = await decisions.attempt({ step: 'consume', what: `topic ${topic}` }, () =>
    anyHost(`the offsets of topic ${topic} that have not landed`).plan({ topic, publishedEnds, until }),
  );
  state.setPlanned(planned.ranges);
  return planned;
}

/** Reads a batch onto a host's disk, which the batch's other steps then run on. */
export async function consume(
  run: Run,
  batch: Batch,
  { exact, skipUnreadable = false }: ConsumeOptions,
): Promise<Consumed> {
  const { state, decisions } = run;
  state.begin('consume');
  const consumed = await decisions.attempt({ step: 'consume', what: nameOf(batch) }, (isAccepted) =>
    anyHost(batchSummary(batch, exact)).consume({
      batch,
      exact,
      ...(isAccepted || skipUnreadable ? { pastUnreadable: true } : {}),
    }),
  );
  run.useHost(consumed.host);
  state.advance('consume', consumed.staged.batch.ranges);
  return consumed;
}

/** Transforms a batch into one Parquet file a table. A batch that is skipped lands without rows. */
export async function transform(
  { state, decisions, ingestedOn }: Run,
  { staged, host, unreadable }: Consumed,
): Promise<StagedTables | typeof SKIPPED> {
  state.begin('transform');
  const tables =
    unreadable !== undefined
      ? SKIPPED
      : await decisions.attemptOrSkip({ step: 'transform', what: nameOf(staged.batch) }, (isAccepted) =>
          onHost(host, transformSummary(staged)).transform({
            staged,
            ingestedOn,
            ...(isAccepted ? { pastLimit: true } : {}),
          }),
        );
  state.advance('transform', staged.batch.ranges);
  return tables;
}

/** Uploads a batch's files and commits them, table by table. */
export async function land(
  { state, decisions }: Run,
  { staged, host, seconds, unreadable }: Consumed,
  transformed: StagedTables | typeof SKIPPED,
): Promise<void> {
  const { messages, bytes, gaps } = staged;
  const what = nameOf(staged.batch);
  const tables = transformed === SKIPPED ? withoutRows(staged) : transformed;
  state.begin('land');
  const landed = await decisions.attempt({ step: 'land', what }, () =>
    onHost(host, landSummary(tables)).land({ tables, skipped: transformed === SKIPPED }),
  );
  state.count('consume', { recordsIn: messages, recordsOut: messages, bytes, seconds });
  state.count('transform', {
    recordsIn: messages,
    recordsOut: tables.landed,
    quarantined: tables.quarantined,
    bytes: tables.files.bytes,
    seconds: tables.seconds,
  });
  state.count('land', {
    recordsIn: tables.landed,
    recordsOut: tables.landed,
    bytes: landed.bytes,
    seconds: landed.seconds,
  });
  // The decision was about all ranges that were to be read; only now is the unreadable batch among them known.
  if (unreadable !== undefined) state.addSkipped({ step: 'consume', what, code: unreadable });
  state.countErased(tables.erased);
  state.countUnknownFields(tables);
  state.countReasons(tables.reasons);
  state.batchLanded(staged.batch.ranges, gaps, landed.rows);
}

/** The tables of a skipped batch: they advance past its offsets without a row. */
function withoutRows({ batch, path }: Consumed['staged']): StagedTables {
  return { batch, ...NO_FILES, staged: [path], landed: 0, quarantined: 0, ...NO_FIELDS, seconds: 0 };
}

/** Returns the name of a batch, which is its own: no two batches have an offset in common. */
function nameOf({ topic, ranges }: Batch): string {
  const named = ranges.slice(0, MAX_RANGES_NAMED).map((range: OffsetRange) => rangeName(topic, range));
  const others = ranges.length - named.length;
  return [...named, ...(others === 0 ? [] : [`${others} more partitions`])].join(', ');
}

function rangeName(topic: string, { partition, start, end }: OffsetRange): string {
  return `${topic}/${partition} ${start} to before ${end}`;
}
