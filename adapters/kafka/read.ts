import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../../model/errors.ts';
import type { Batch, OffsetRange } from '../../model/references.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../../model/settings-limits.ts';
import { AbortedTransactions } from './wire/aborted-transactions.ts';
import { openCluster } from './wire/cluster.ts';
import { asKafkaError } from './errors.ts';
import { RangeFetcher } from './range-fetcher.ts';
import {
  rangesRead,
  rangeStalled,
  requireRetained,
  startRange,
  type RangeProgress,
} from './range-progress.ts';
import type { FetchedPartition } from './wire/fetch.ts';
import type { FetchedBatch } from './wire/fetched-batch.ts';
import { batchesIn } from './wire/fetched-batches.ts';
import { decodingOf, type BatchReadOptions, type RangeReadOptions } from './read-options.ts';
import type { ResponseMemory } from './wire/response-reader.ts';
import type { KafkaOptions } from './client.ts';

/** The maximum number of messages per callback, so that `isFull` is checked often. */
const MAX_MESSAGES_PER_CALL = 500;

const DECODING = decodingOf(DEFAULT_BATCH_DECODED_BYTES);

/** Delay before the next fetch after an empty one. */
const POLL_INTERVAL_MS = 100;

/**
 * Reads exact offset ranges of a topic's partitions (read_committed): each message once, in order. Skips control records
 * and aborted messages.
 * @returns The ranges that were read, without empty ones; shorter than asked for if `isFull` stopped the read.
 * @throws {PipelineError} RANGE_GONE if retention deleted a part; RANGE_STALLED if an offset is not received within the
 * idle timeout (another producer's open transaction holds the last stable offset back); KAFKA_CODEC_MISSING or
 * KAFKA_BATCH_UNREADABLE if messages cannot be decompressed or have an older format; KAFKA_BATCH_DAMAGED;
 * KAFKA_UNREACHABLE; KAFKA_REFUSED.
 */
export async function readRanges(
  options: KafkaOptions,
  batch: Batch,
  { onMessages, ...read }: RangeReadOptions,
): Promise<OffsetRange[]> {
  return readBatches(options, batch, {
    decoding: DECODING,
    ...read,
    onBatches: async ({ partition, batches, from, to }) => {
      let next = from;
      for (const one of batches) {
        const wanted = one.messages().filter(({ offset }) => offset >= from && offset < to);
        for (let at = 0; at < wanted.length; at += MAX_MESSAGES_PER_CALL) {
          if (read.isFull()) return next;
          const messages = wanted.slice(at, at + MAX_MESSAGES_PER_CALL);
          await onMessages(partition, messages);
          next = (messages.at(-1)?.offset ?? next) + 1n;
        }
      }
      return next;
    },
  });
}

/** Reads exact offset ranges as {@link readRanges} does, but delivers record batches. */
export async function readBatches(
  options: KafkaOptions,
  batch: Batch,
  read: BatchReadOptions,
): Promise<OffsetRange[]> {
  const { cluster, memory } = openCluster(options, 'read');
  const progress = batch.ranges.map(startRange);
  const fetcher = new RangeFetcher(options, cluster, batch.topic, progress);
  const reader = new RangeReader({ options, topic: batch.topic, progress, fetcher, memory, read });
  try {
    await cluster.connect();
    await cluster.addTargetTopic(batch.topic);
    await reader.run();
    reader.skipUnreadable();
  } catch (error) {
    throw asKafkaError(error, `topic ${batch.topic}`);
  } finally {
    await fetcher.close();
    await cluster.disconnect();
  }
  return rangesRead(progress);
}

interface PartitionBatches {
  readonly progress: RangeProgress;
  readonly batches: readonly FetchedBatch[];
  readonly aborted: AbortedTransactions;
}

interface RangeReaderOptions {
  readonly options: KafkaOptions;
  readonly topic: string;
  readonly progress: readonly RangeProgress[];
  readonly fetcher: RangeFetcher;
  readonly memory: ResponseMemory;
  readonly read: BatchReadOptions;
}

/** A read of ranges. The next Fetch requests are under way while batches of the previous ones are delivered. */
class RangeReader {
  readonly #options: KafkaOptions;
  readonly #topic: string;
  readonly #progress: readonly RangeProgress[];
  readonly #fetcher: RangeFetcher;
  readonly #memory: ResponseMemory;
  readonly #read: BatchReadOptions;
  #lastProgressMs = Date.now();

  constructor({ options, topic, progress, fetcher, memory, read }: RangeReaderOptions) {
    this.#options = options;
    this.#topic = topic;
    this.#progress = progress;
    this.#fetcher = fetcher;
    this.#memory = memory;
    this.#read = read;
  }

  /**
   * Skips or reports a batch that cannot be decompressed, if nothing was read before it or the read is exact.
   * @throws {PipelineError} KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING
   */
  skipUnreadable(): void {
    const progress = this.#progress.find(({ unreadable }) => unreadable !== undefined);
    if (progress?.unreadable === undefined) return;
    const { batch, error } = progress.unreadable;
    const { onUnreadable, isExact = false } = this.#read;
    const isAlone = rangesRead(this.#progress).length === 0;
    if (!isAlone && !isExact) return;
    const end = BigInt(progress.range.end);
    const isWhole = this.#progress.length === 1 && batch.lastOffset + 1n >= end;
    if (onUnreadable === undefined || !isAlone || (isExact && !isWhole)) throw error;
    onUnreadable(batch, error.code);
    progress.end = batch.lastOffset + 1n < end ? batch.lastOffset + 1n : end;
    progress.next = progress.end;
  }

  async run(): Promise<void> {
    let fetched = this.#fetcher.fetch();
    for (;;) {
      const partitions = await fetched;
      const parts = this.#batchesByPartition(partitions);
      fetched = this.#fetcher.fetch();
      for (const part of parts) await this.#deliver(part);
      for (const { records } of partitions) this.#memory.release(records);
      if (this.#read.isFull() || this.#progress.every(({ next, end }) => next >= end)) return;
      if (this.#read.signal.aborted)
        throw new PipelineError('KAFKA_UNREACHABLE', `the read of ${this.#topic} was cancelled`);
      if (parts.every(({ batches }) => batches.length === 0)) await this.#wait();
    }
  }

  #batchesByPartition(partitions: readonly FetchedPartition[]): PartitionBatches[] {
    return partitions.flatMap(({ partition, records, aborted }) => {
      const progress = this.#progress.find(({ range }) => range.partition === partition);
      if (progress === undefined) return [];
      const batches = this.#batchesOf(progress, records);
      return [{ progress, batches, aborted: new AbortedTransactions(aborted) }];
    });
  }

  #batchesOf(progress: RangeProgress, records: Buffer): FetchedBatch[] {
    const batches: FetchedBatch[] = [];
    const partition = `${this.#topic}/${progress.range.partition}`;
    for (const batch of batchesIn(records, partition, progress.fetchOffset)) {
      if (batch.firstOffset >= progress.end) {
        progress.fetchOffset = progress.end;
        break;
      }
      batch.verifyChecksum();
      batches.push(batch);
      progress.fetchOffset = batch.lastOffset + 1n;
    }
    return batches;
  }

  /** Delivers the committed batches of a response, then moves past it, including offsets removed by compaction. */
  async #deliver({ progress, batches, aborted }: PartitionBatches): Promise<void> {
    let group: FetchedBatch[] = [];
    for (const batch of batches) {
      if (!aborted.isCommitted(batch)) continue;
      if (batch.isPlain || this.#read.keepCompressed === true) {
        group.push(batch);
        continue;
      }
      // Decompressed batches can be large: one at a time.
      await this.#deliverBatches(progress, group);
      group = [];
      if (this.#read.isFull()) return;
      await this.#deliverDecompressed(progress, batch);
      if (progress.unreadable !== undefined) return;
    }
    await this.#deliverBatches(progress, group);
    if (!this.#read.isFull()) this.#advance(progress, progress.fetchOffset);
  }

  async #deliverDecompressed(progress: RangeProgress, batch: FetchedBatch): Promise<void> {
    const { maxBytes, budget } = this.#read.decoding;
    await budget.use(batch.maxDecodedBytes(maxBytes), async () => {
      const plain = await batch.decompress(maxBytes).catch((error: unknown) => {
        if (!(error instanceof PipelineError)) throw error;
        progress.unreadable = { batch, error };
        progress.end = batch.firstOffset > progress.next ? batch.firstOffset : progress.next;
        progress.fetchOffset = progress.end;
        this.#advance(progress, progress.end);
      });
      if (plain !== undefined) await this.#deliverBatches(progress, [plain]);
    });
  }

  async #deliverBatches(progress: RangeProgress, batches: readonly FetchedBatch[]): Promise<void> {
    if (batches.length === 0 || this.#read.isFull()) return;
    const { partition } = progress.range;
    const part = { partition, batches, from: progress.next, to: progress.end };
    this.#advance(progress, await this.#read.onBatches(part));
  }

  #advance(progress: RangeProgress, next: bigint): void {
    if (next <= progress.next) return;
    progress.next = next;
    this.#lastProgressMs = Date.now();
  }

  /** Waits after an empty response: the offsets are behind an open transaction, or were deleted. */
  async #wait(): Promise<void> {
    if (Date.now() - this.#lastProgressMs < this.#read.idleTimeoutMs) {
      await sleep(POLL_INTERVAL_MS);
      return;
    }
    await requireRetained(this.#options, this.#topic, this.#progress);
    throw rangeStalled(this.#topic, this.#progress, this.#read.idleTimeoutMs);
  }
}
