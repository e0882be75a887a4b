import { createHash } from 'node:crypto';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { readBatches } from '../../adapters/kafka/read.ts';
import type { Decoding } from '../../adapters/kafka/read-options.ts';
import type { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { topicIdOf } from '../../adapters/kafka/wire/topic-id.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import type { ErrorCode } from '../../model/errors.ts';
import { NO_FILES, offsetsIn, type Batch, type StagedBatch } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import { skippedPath } from '../landing/land-batch.ts';
import { recreatedTopic } from '../landing/plan-batches.ts';
import type { RunContext } from '../run-context.ts';
import { MessageWriter } from './message-files.ts';

/** The offset ranges to stage. */
export interface BatchToStage {
  /** The offset ranges to read. */
  readonly batch: Batch;
  /** Whether to read all of it, since its size was fixed before; else it is cut at the limits of a batch. */
  readonly exact: boolean;
  /** Whether a person lets the run skip a Kafka record batch that cannot be read. */
  readonly pastUnreadable?: boolean;
}

/** A staged batch. */
export interface StagedMessages {
  readonly staged: StagedBatch;
  /** The error of a Kafka record batch that cannot be read; nothing of it is staged. */
  readonly unreadable?: ErrorCode;
}

/** The services of {@link stageBatch}, and the run's staged files. */
export interface StageDeps {
  readonly kafka: KafkaOptions;
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: RunStaging;
  readonly limits: Pick<Settings['limits'], 'batchBytes' | 'batchMessages'>;
  readonly decoding: Decoding;
}

/** If no offset arrives for this long, an open transaction of another producer is assumed to hold it back. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * Reads offset ranges into staged files, and writes the receipts that allow transforming or skipping them. Idempotent: a
 * retry replaces the files.
 * @throws {PipelineError} RANGE_GONE, RANGE_STALLED, TOPIC_RESET, STAGING_FULL, KAFKA_BATCH_UNREADABLE, another error
 * of Kafka
 */
export async function stageBatch(
  deps: StageDeps,
  run: RunContext,
  request: BatchToStage,
): Promise<StagedMessages> {
  const { own } = deps;
  const { batch } = request;
  await deps.staging.reserve(deps.limits.batchBytes);
  const path = await own.makeFreshFolder(`batches/${nameOf(batch)}`);
  const { ranges, writer, skipped } = await readMessages(deps, run, request, path);
  await requireSameTopicId(deps.kafka, batch);
  const offsets = offsetsIn(ranges);
  // An unreadable record batch can have more messages than are in the range.
  const messages = writer.messages + Math.min(skipped?.batch.records ?? 0, offsets);
  const staged = {
    batch: { ...batch, ranges },
    path,
    messages,
    gaps: offsets - messages,
    bytes: writer.bytes,
  };
  await own.writeReceipt(path, staged);
  await own.writeReceipt(skippedPath(path), { batch: staged.batch, ...NO_FILES });
  return { staged, ...(skipped !== undefined && { unreadable: skipped.code }) };
}

interface ReadMessages {
  readonly ranges: Batch['ranges'];
  readonly writer: MessageWriter;
  /** The Kafka record batch that cannot be read, if it was skipped. */
  readonly skipped: SkippedBatch | undefined;
}

interface SkippedBatch {
  readonly batch: FetchedBatch;
  readonly code: ErrorCode;
}

/** @param path The folder of the files, relative to the run's staging folder. */
async function readMessages(
  { kafka, own, limits, decoding }: StageDeps,
  { signal }: RunContext,
  { batch, exact, pastUnreadable }: BatchToStage,
  path: string,
): Promise<ReadMessages> {
  const partitions = batch.ranges.map(({ partition }) => partition);
  const bounds = exact ? undefined : { bytes: limits.batchBytes, messages: limits.batchMessages };
  const writer = await MessageWriter.create(await own.locate(path), partitions, bounds);
  let skipped: SkippedBatch | undefined;
  const onUnreadable = (unreadable: FetchedBatch, code: ErrorCode): void => {
    skipped = { batch: unreadable, code };
  };
  try {
    const ranges = await readBatches(kafka, batch, {
      onBatches: (part) => writer.add(part),
      isFull: () => writer.isFull,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      signal,
      decoding,
      isExact: exact,
      ...(pastUnreadable === true && { onUnreadable }),
    });
    await writer.close();
    return { ranges, writer, skipped };
  } catch (error) {
    // A retry writes the files again, and needs their space if the disk is full.
    await writer.discard();
    throw error;
  }
}

/** Makes sure that the topic was not deleted and created again since the plan. */
async function requireSameTopicId(kafka: KafkaOptions, { topic, topicId }: Batch): Promise<void> {
  if (topicId === undefined) return;
  const id = await topicIdOf(kafka, topic);
  if (id !== undefined && id !== topicId) throw recreatedTopic(topic, { id, before: topicId });
}

/** Names a batch's folder after its start offsets, so that a retry replaces it. */
function nameOf({ topic, ranges }: Batch): string {
  const starts = ranges.map(({ partition, start }) => `${partition}:${start}`).join(',');
  return createHash('sha256').update(`${topic} ${starts}`).digest('hex').slice(0, 16);
}
