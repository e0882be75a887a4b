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
import { recreatedTopic } from './plan.ts';
import { skippedPath } from './land.ts';
import { currentRun } from './run-context.ts';

/** What `consume` is asked for. */
export interface ConsumeRequest {
  /** What to read. */
  readonly batch: Batch;
  /** Whether it must be read whole, since it was cut before; else it is cut at the limits of a batch. */
  readonly exact: boolean;
  /** Whether a person lets the run pass a batch of Kafka's that cannot be read. */
  readonly pastUnreadable?: boolean;
}

/** What was read, and where it is. */
export interface Consumed {
  readonly staged: StagedBatch;
  /** The task queue of the host whose disk holds it. */
  readonly host: string;
  readonly seconds: number;
  /** Why it is a batch of Kafka's that cannot be read: of it nothing is staged. Undefined where it is read. */
  readonly unreadable?: ErrorCode;
}

/** While no offset comes for so long, another producer's transaction is taken to be open before it. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * Reads exact offset ranges into staged files; of long ranges as much as a batch may hold.
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
    let passed: { readonly batch: FetchedBatch; readonly code: ErrorCode } | undefined;
    const onUnreadable = (unreadable: FetchedBatch, code: ErrorCode): void => {
      passed = { batch: unreadable, code };
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
      // The next try makes the files anew; where the disk is full, it needs their space.
      await writer.discard();
      throw error;
    }
    await requirePlanned(kafka, batch);
    const offsets = offsetsIn(ranges);
    // Of a batch that cannot be read it is not known which of its messages are of the range.
    const messages = writer.messages + Math.min(passed?.batch.records ?? 0, offsets);
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
      ...(passed !== undefined && { unreadable: passed.code }),
    };
  };
}

/** What was read is of the topic that was planned for if that is still there now. */
async function requirePlanned(kafka: KafkaOptions, { topic, topicId }: Batch): Promise<void> {
  if (topicId === undefined) return;
  const id = await topicIdOf(kafka, topic);
  if (id !== undefined && id !== topicId) throw recreatedTopic(topic, { id, before: topicId });
}

/** A batch's folder is named after where it begins, so that a retry replaces it. */
function nameOf({ topic, ranges }: Batch): string {
  const starts = ranges.map(({ partition, start }) => `${partition}:${start}`).join(',');
  return createHash('sha256').update(`${topic} ${starts}`).digest('hex').slice(0, 16);
}
