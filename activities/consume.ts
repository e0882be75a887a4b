import { createHash } from 'node:crypto';
import type { KafkaOptions } from '../adapters/kafka/client.ts';
import type { FetchedBatch } from '../adapters/kafka/wire/fetched-batch.ts';
import { readBatches } from '../adapters/kafka/read.ts';
import { decodingOf } from '../adapters/kafka/read-options.ts';
import { topicIdOf } from '../adapters/kafka/wire/topic-id.ts';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { ErrorCode } from '../model/errors.ts';
import { NO_FILES, offsetsIn, type Batch, type StagedBatch } from '../model/references.ts';
import type { ActivityDeps } from './deps.ts';
import { MessageWriter } from '../steps/transform/message-files.ts';
import { recreatedTopic } from '../steps/landing/plan-batches.ts';
import { skippedPath } from './land.ts';
import { currentRun } from './run-context.ts';

/** The input of `consume`. */
export interface ConsumeRequest {
  /** The offset ranges to read. */
  readonly batch: Batch;
  /** Whether to read all of it, since its size was fixed before; else it is cut at the limits of a batch. */
  readonly exact: boolean;
  /** Whether a person lets the run skip a Kafka record batch that cannot be read. */
  readonly pastUnreadable?: boolean;
}

/** The result of `consume`. */
export interface Consumed {
  readonly staged: StagedBatch;
  /** The task queue of the host that staged it. */
  readonly host: string;
  readonly seconds: number;
  /** The error of a Kafka record batch that cannot be read; nothing of it is staged. */
  readonly unreadable?: ErrorCode;
}

/** If no offset arrives for this long, an open transaction of another producer is assumed to hold it back. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * Consumes offset ranges into staged files, up to the limits of a batch.
 * @throws {PipelineError} RANGE_GONE, RANGE_STALLED, TOPIC_RESET, STAGING_FULL, KAFKA_BATCH_UNREADABLE, another error
 * of Kafka
 */
export function createConsume({ settings, kafka, staging }: ActivityDeps) {
  const { batchBytes, batchMessages, batchDecodedBytes } = settings.limits;
  const decoding = decodingOf(batchDecodedBytes);
  return async function consume({ batch, exact, pastUnreadable }: ConsumeRequest): Promise<Consumed> {
    const run = currentRun();
    await staging.reserve(batchBytes);
    const own = RunStaging.of(staging, run.execution);
    const path = await own.makeFreshFolder(`batches/${nameOf(batch)}`);
    const partitions = batch.ranges.map(({ partition }) => partition);
    const bounds = exact ? undefined : { bytes: batchBytes, messages: batchMessages };
    const writer = await MessageWriter.create(await own.locate(path), partitions, bounds);
    let ranges: Batch['ranges'];
    let skipped: { readonly batch: FetchedBatch; readonly code: ErrorCode } | undefined;
    const onUnreadable = (unreadable: FetchedBatch, code: ErrorCode): void => {
      skipped = { batch: unreadable, code };
    };
    try {
      ranges = await readBatches(kafka, batch, {
        onBatches: (part) => writer.add(part),
        isFull: () => writer.isFull,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        signal: run.signal,
        decoding,
        isExact: exact,
        ...(pastUnreadable === true && { onUnreadable }),
      });
      await writer.close();
    } catch (error) {
      // A retry writes the files again, and needs their space if the disk is full.
      await writer.discard();
      throw error;
    }
    await requireSameTopicId(kafka, batch);
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
    return {
      staged,
      host: staging.hostId,
      seconds: run.seconds(),
      ...(skipped !== undefined && { unreadable: skipped.code }),
    };
  };
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
