import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../../model/errors.ts';
import type { Batch, OffsetRange } from '../../model/references.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../../model/settings.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { AbortedTransactions } from './wire/aborted-transactions.ts';
import { createErrorFromCode, type Cluster } from './wire/internals.ts';
import { openCluster } from './wire/cluster.ts';
import { asKafkaError, isTransient } from './errors.ts';
import { fetchFrom, type FetchedPartition } from './wire/fetch.ts';
import type { FetchedBatch } from './wire/fetched-batch.ts';
import { batchesIn } from './wire/fetched-batches.ts';
import { decodingOf, type BatchReadOptions, type RangeReadOptions } from './read-options.ts';
import type { ResponseMemory } from './wire/response-reader.ts';
import { topicOffsets, type KafkaOptions } from './client.ts';

/** The maximum number of messages per callback, so that `isFull` is checked often. */
const MAX_MESSAGES_PER_CALL = 500;

/** For transient errors; longer outages are left to the activity's retry policy. */
const MAX_FETCH_ATTEMPTS = 5;
const INITIAL_RETRY_DELAY_MS = 50;

const DECODING = decodingOf(DEFAULT_BATCH_DECODED_BYTES);

/** Delay before the next fetch after an empty one. */
const POLL_INTERVAL_MS = 100;
/** Error code 1: the offset is before the log start offset, or after the log end offset. */
const OFFSET_OUT_OF_RANGE = 1;

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
  const reader = new RangeReader(options, { cluster, memory }, batch, read);
  try {
    await cluster.connect();
    await cluster.addTargetTopic(batch.topic);
    await reader.run();
    reader.skipUnreadable();
  } catch (error) {
    throw asKafkaError(error, `topic ${batch.topic}`);
  } finally {
    await reader.close();
    await cluster.disconnect();
  }
  return reader.rangesRead();
}

/** Progress of a read in one partition. */
interface Progress {
  readonly range: OffsetRange;
  /** The end of the range, or the first offset of a batch that cannot be decompressed. */
  end: bigint;
  /** The first offset that was not delivered yet. */
  next: bigint;
  /** The offset of the next Fetch request. */
  fetchOffset: bigint;
  unreadable?: { readonly batch: FetchedBatch; readonly error: PipelineError };
}

interface PartitionBatches {
  readonly progress: Progress;
  readonly batches: readonly FetchedBatch[];
  readonly aborted: AbortedTransactions;
}

/** A read of ranges. The next Fetch requests are under way while batches of the previous ones are delivered. */
class RangeReader {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  readonly #memory: ResponseMemory;
  readonly #topic: string;
  readonly #read: BatchReadOptions;
  /** In the order of the Fetch request: only the first partition of a response gets a batch above the size limits. */
  readonly #progress: Progress[];
  #lastProgressMs = Date.now();
  #fetched: Promise<FetchedPartition[]> = Promise.resolve([]);
  #isClosed = false;

  constructor(
    options: KafkaOptions,
    { cluster, memory }: { readonly cluster: Cluster; readonly memory: ResponseMemory },
    batch: Batch,
    read: BatchReadOptions,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#memory = memory;
    this.#topic = batch.topic;
    this.#read = read;
    this.#progress = batch.ranges.map((range) => {
      const start = BigInt(range.start);
      return { range, end: BigInt(range.end), next: start, fetchOffset: start };
    });
  }

  rangesRead(): OffsetRange[] {
    return this.#progress
      .map(({ range, next, end }) => ({ ...range, end: String(next < end ? next : end) }))
      .filter(({ start, end }) => start !== end)
      .sort((one, other) => one.partition - other.partition);
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
    const isAlone = this.rangesRead().length === 0;
    if (!isAlone && !isExact) return;
    const end = BigInt(progress.range.end);
    const isWhole = this.#progress.length === 1 && batch.lastOffset + 1n >= end;
    if (onUnreadable === undefined || !isAlone || (isExact && !isWhole)) throw error;
    onUnreadable(batch, error.code);
    progress.end = batch.lastOffset + 1n < end ? batch.lastOffset + 1n : end;
    progress.next = progress.end;
  }

  async run(): Promise<void> {
    this.#fetched = this.#fetchWithRetries();
    for (;;) {
      const partitions = await this.#fetched;
      const parts = this.#batchesByPartition(partitions);
      this.#fetched = this.#fetchWithRetries();
      // It may never be awaited: the read can end before.
      this.#fetched.catch(() => undefined);
      for (const part of parts) await this.#deliver(part);
      for (const { records } of partitions) this.#memory.release(records);
      if (this.#read.isFull() || this.#progress.every(({ next, end }) => next >= end)) return;
      if (this.#read.signal.aborted)
        throw new PipelineError('KAFKA_UNREACHABLE', `the read of ${this.#topic} was cancelled`);
      if (parts.every(({ batches }) => batches.length === 0)) await this.#wait();
    }
  }

  /** Waits for the Fetch requests under way, without retries: a retry would connect again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#fetched]);
  }

  async #fetchWithRetries(): Promise<FetchedPartition[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt > 1) await this.#cluster.refreshMetadata();
        return await this.#fetch();
      } catch (error) {
        if (attempt === MAX_FETCH_ATTEMPTS || !isTransient(error)) throw error;
        await sleep(INITIAL_RETRY_DELAY_MS * 2 ** attempt);
        if (this.#isClosed) throw error;
      }
    }
  }

  async #fetch(): Promise<FetchedPartition[]> {
    const open = this.#progress.filter(({ fetchOffset, end }) => fetchOffset < end);
    // Rotates the order, so that each partition is the first of a request in turn.
    this.#progress.push(...this.#progress.splice(0, 1));
    const leaders = this.#cluster.findLeaderForPartitions(
      this.#topic,
      open.map(({ range }) => range.partition),
    );
    const answers = await mapConcurrent(open.length, Object.entries(leaders), async ([nodeId, led]) => {
      const broker = await this.#cluster.findBroker({ nodeId });
      const positions = open
        .filter(({ range }) => led.includes(range.partition))
        .map(({ range, fetchOffset }) => ({ partition: range.partition, offset: fetchOffset }));
      return fetchFrom(broker, this.#topic, positions);
    });
    const partitions = answers.flat();
    const failed = partitions.find(({ error }) => error !== 0 && error !== OFFSET_OUT_OF_RANGE);
    if (failed !== undefined) throw createErrorFromCode(failed.error);
    if (partitions.some(({ error }) => error === OFFSET_OUT_OF_RANGE)) await this.#requireRetained();
    return partitions;
  }

  #batchesByPartition(partitions: readonly FetchedPartition[]): PartitionBatches[] {
    return partitions.flatMap(({ partition, records, aborted }) => {
      const progress = this.#progress.find(({ range }) => range.partition === partition);
      if (progress === undefined) return [];
      const batches = this.#batchesOf(progress, records);
      return [{ progress, batches, aborted: new AbortedTransactions(aborted) }];
    });
  }

  #batchesOf(progress: Progress, records: Buffer): FetchedBatch[] {
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

  async #deliverDecompressed(progress: Progress, batch: FetchedBatch): Promise<void> {
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

  async #deliverBatches(progress: Progress, batches: readonly FetchedBatch[]): Promise<void> {
    if (batches.length === 0 || this.#read.isFull()) return;
    const { partition } = progress.range;
    const part = { partition, batches, from: progress.next, to: progress.end };
    this.#advance(progress, await this.#read.onBatches(part));
  }

  #advance(progress: Progress, next: bigint): void {
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
    await this.#requireRetained();
    const stuck = this.#progress.find(({ next, end }) => next < end);
    throw new PipelineError(
      'RANGE_STALLED',
      `${this.#topic}/${stuck?.range.partition}: offset ${stuck?.next} was not received within ` +
        `${this.#read.idleTimeoutMs} ms; the range ends at ${stuck?.end}`,
    );
  }

  /** @throws {PipelineError} RANGE_GONE if the offsets still to be read begin before the log start offset. */
  async #requireRetained(): Promise<void> {
    const found = await topicOffsets(this.#options, this.#topic);
    const kept = new Map(found.map(({ partition, earliest }) => [partition, earliest]));
    for (const { range, next, end } of this.#progress) {
      const earliest = kept.get(range.partition);
      if (next < end && (earliest === undefined || BigInt(earliest) > next))
        throw rangeGone(this.#topic, range, earliest);
    }
  }
}

function rangeGone(topic: string, range: OffsetRange, earliest: string | undefined): PipelineError {
  const now = earliest === undefined ? 'the partition is gone' : `the topic now begins at offset ${earliest}`;
  const wanted = `${topic}/${range.partition}: offsets ${range.start} to before ${range.end} were to be read`;
  return new PipelineError('RANGE_GONE', `${wanted}, but ${now}`);
}
