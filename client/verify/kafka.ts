import { setTimeout as pause } from 'node:timers/promises';
import {
  topicOffsets,
  withAdmin,
  type KafkaOptions,
  type PartitionOffsets,
} from '../../adapters/kafka/client.ts';
import type { FetchedBatch } from '../../adapters/kafka/wire/fetched-batch.ts';
import { readBatches } from '../../adapters/kafka/read.ts';
import { decodingOf, type Decoding } from '../../adapters/kafka/read-options.ts';
import { PipelineError } from '../../model/errors.ts';
import type { KafkaEvidence } from './partitions.ts';
import { OffsetSet, type OffsetSpan } from './offset-set.ts';

/** The read fails if no offset arrives for this long. */
const IDLE_TIMEOUT_MS = 20_000;

/** For about this long after a commit, a broker can still report the previous end offset. */
const SETTLE_MS = 3_000;
const SETTLE_PAUSE_MS = 100;

/** Returns the names of the existing topics. */
export async function topicsIn(kafka: KafkaOptions): Promise<Set<string>> {
  return new Set(await withAdmin(kafka, (admin) => admin.listTopics()));
}

/**
 * Reads the messages of a topic that have landed, and returns the offsets of its committed messages by partition.
 * @param landed The offsets to read, up to the last landed one, by partition.
 * @param batchDecodedBytes The size limit of one batch after decompression, in bytes.
 * @throws {PipelineError} KAFKA_BATCH_UNREADABLE, KAFKA_UNREACHABLE, KAFKA_REFUSED; RANGE_GONE if retention deletes messages meanwhile.
 */
export async function readTopic(
  kafka: KafkaOptions,
  topic: string,
  landed: ReadonlyMap<number, OffsetSpan>,
  batchDecodedBytes: number,
): Promise<Map<number, KafkaEvidence>> {
  const positions = new Map([...landed].map(([partition, { end }]) => [partition, end]));
  const evidence = new Map(
    (await settledOffsets(kafka, topic, positions)).map(({ partition, earliest, end }) => [
      partition,
      { earliest: Number(earliest), end: Number(end), committed: new OffsetSet() },
    ]),
  );
  const ranges = [...evidence].flatMap(([partition, { earliest, end }]) => {
    const until = Math.min(positions.get(partition) ?? 0, end);
    const from = Math.max(landed.get(partition)?.start ?? 0, earliest);
    return from < until ? [{ partition, start: String(from), end: String(until) }] : [];
  });
  if (ranges.length === 0) return evidence;
  const decoding = decodingOf(batchDecodedBytes);
  await readBatches(
    kafka,
    { topic, ranges },
    {
      decoding,
      keepCompressed: true,
      onBatches: async ({ partition, batches, from, to }) => {
        const committed = evidence.get(partition)?.committed ?? new OffsetSet();
        let next = from;
        for (const batch of batches) {
          await addOffsets(committed, batch, { from, to }, decoding);
          next = batch.lastOffset + 1n;
        }
        return next;
      },
      isFull: () => false,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      signal: new AbortController().signal,
    },
  );
  return evidence;
}

/**
 * Adds the offsets of a batch's messages that are in a range. A batch is decompressed only if compaction removed records
 * from it, so one that exceeds the size limit usually does no harm.
 * @param decoding The limits of decompression.
 * @throws {PipelineError} KAFKA_BATCH_UNREADABLE, KAFKA_CODEC_MISSING
 */
export async function addOffsets(
  committed: OffsetSet,
  batch: FetchedBatch,
  { from, to }: { readonly from: bigint; readonly to: bigint },
  { maxBytes, budget }: Decoding,
): Promise<void> {
  const { firstOffset, lastOffset, records } = batch;
  if (lastOffset - firstOffset + 1n === BigInt(records)) {
    const start = firstOffset > from ? firstOffset : from;
    const end = lastOffset + 1n < to ? lastOffset + 1n : to;
    committed.addSpan({ start: Number(start), end: Number(end) });
    return;
  }
  await budget.use(batch.maxDecodedBytes(maxBytes), async () => {
    for (const { offsetDelta } of (await batch.decompress(maxBytes)).read()) {
      const offset = batch.offsetOf(offsetDelta);
      if (offset >= from && offset < to) committed.add(Number(offset));
    }
  });
}

/** Returns the offsets of a topic; retries while the topic is being created or its end offsets are still outdated. */
async function settledOffsets(
  kafka: KafkaOptions,
  topic: string,
  positions: ReadonlyMap<number, number>,
): Promise<PartitionOffsets[]> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    try {
      const offsets = await topicOffsets(kafka, topic);
      const settled = offsets.every(({ partition, end }) => (positions.get(partition) ?? 0) <= Number(end));
      if (settled || Date.now() > deadline) return offsets;
    } catch (error) {
      if (!(error instanceof PipelineError && error.canRetry) || Date.now() > deadline) throw error;
    }
    await pause(SETTLE_PAUSE_MS);
  }
}
