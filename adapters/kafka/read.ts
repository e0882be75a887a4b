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
import { batchesIn, type FetchedBatch } from './wire/fetched-batch.ts';
import { decodingOf, type BatchReadOptions, type RangeReadOptions } from './read-options.ts';
import type { ResponseMemory } from './wire/response-reader.ts';
import { topicOffsets, type KafkaOptions } from './client.ts';

/** The most messages of one call, so that a reader can stop soon after it is full. */
const MESSAGES_A_CALL = 500;

/** What passes soon, as a leader's election or a broken connection, is tried again so often; the step does the rest. */
const TRIES = 5;
const FIRST_PAUSE_MS = 50;

const DECODING = decodingOf(DEFAULT_BATCH_DECODED_BYTES);

const PAUSE_MS = 100; // while a broker has not come to an offset
/** Kafka's number of an error: the offset is before what the partition holds, or after it. */
const OFFSET_OUT_OF_RANGE = 1;

/**
 * Reads exact ranges of a topic's partitions: committed messages alone, each once, in order.
 * Offsets that hold transaction markers or aborted messages are passed over.
 * @returns The ranges as they were read: whole, or shorter where the reader was full; without empty ones.
 * @throws {PipelineError} RANGE_GONE when retention deleted a part, RANGE_STALLED when an offset does not
 * come within the idle time-out (another producer's transaction is open before it), KAFKA_CODEC_MISSING or
 * KAFKA_BATCH_UNREADABLE when messages cannot be decompressed or are of an older format, KAFKA_BATCH_DAMAGED, KAFKA_UNREACHABLE.
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
        for (let at = 0; at < wanted.length; at += MESSAGES_A_CALL) {
          if (read.isFull()) return next;
          const messages = wanted.slice(at, at + MESSAGES_A_CALL);
          await onMessages(partition, messages);
          next = (messages.at(-1)?.offset ?? next) + 1n;
        }
      }
      return next;
    },
  });
}

/** As {@link readRanges}, of which the batches are given as they are. */
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
    reader.passUnreadable();
  } catch (error) {
    throw asKafkaError(error, `topic ${batch.topic}`);
  } finally {
    await reader.end();
    await cluster.disconnect();
  }
  return reader.rangesRead();
}

/** How far one partition's range was read. */
interface Progress {
  readonly range: OffsetRange;
  /** Before a batch that cannot be read, where there is one. */
  end: bigint;
  /** The first offset that was not yet given. */
  next: bigint;
  /** The first offset that was not yet fetched. */
  coming: bigint;
  unreadable?: { readonly batch: FetchedBatch; readonly error: PipelineError };
}

/** What was fetched of a partition. */
interface Part {
  readonly progress: Progress;
  readonly batches: readonly FetchedBatch[];
  readonly aborted: AbortedTransactions;
}

/** One read: each leader is asked for what it has while what it answered before is given. */
class RangeReader {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  readonly #memory: ResponseMemory;
  readonly #topic: string;
  readonly #read: BatchReadOptions;
  /** In the order in which they are asked for: the first of an answer gets a batch however large it is. */
  readonly #progress: Progress[];
  #lastMove = Date.now();
  /** What comes next. */
  #fetched: Promise<FetchedPartition[]> = Promise.resolve([]);
  #isOver = false;

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
      return { range, end: BigInt(range.end), next: start, coming: start };
    });
  }

  rangesRead(): OffsetRange[] {
    return this.#progress
      .map(({ range, next, end }) => ({ ...range, end: String(next < end ? next : end) }))
      .filter(({ start, end }) => start !== end)
      .sort((one, other) => one.partition - other.partition);
  }

  /**
   * Sees to what cannot be read, where nothing else was.
   * @throws {PipelineError} KAFKA_BATCH_UNREADABLE or KAFKA_CODEC_MISSING
   */
  passUnreadable(): void {
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
    this.#fetched = this.#fetchPatiently();
    for (;;) {
      const partitions = await this.#fetched;
      const parts = this.#partsOf(partitions);
      this.#fetched = this.#fetchPatiently();
      // Where the read ends before it is waited for, its failure is nobody's.
      this.#fetched.catch(() => undefined);
      for (const part of parts) await this.#give(part);
      for (const { records } of partitions) this.#memory.giveBack(records);
      if (this.#read.isFull() || this.#progress.every(({ next, end }) => next >= end)) return;
      if (this.#read.signal.aborted)
        throw new PipelineError('KAFKA_UNREACHABLE', `the read of ${this.#topic} was cancelled`);
      if (parts.every(({ batches }) => batches.length === 0)) await this.#wait();
    }
  }

  /** Lets what is on its way come, which nobody waits for: to ask once more would connect once more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([this.#fetched]);
  }

  async #fetchPatiently(): Promise<FetchedPartition[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        if (tries > 1) await this.#cluster.refreshMetadata();
        return await this.#fetch();
      } catch (error) {
        if (tries === TRIES || !isTransient(error)) throw error;
        await sleep(FIRST_PAUSE_MS * 2 ** tries);
        if (this.#isOver) throw error;
      }
    }
  }

  /** Asks each leader once. */
  async #fetch(): Promise<FetchedPartition[]> {
    const open = this.#progress.filter(({ coming, end }) => coming < end);
    // Each comes first in turn.
    this.#progress.push(...this.#progress.splice(0, 1));
    const leaders = this.#cluster.findLeaderForPartitions(
      this.#topic,
      open.map(({ range }) => range.partition),
    );
    const answers = await mapConcurrent(open.length, Object.entries(leaders), async ([nodeId, led]) => {
      const broker = await this.#cluster.findBroker({ nodeId });
      const asked = open.filter(({ range }) => led.includes(range.partition));
      const from = asked.map(({ range, coming }) => ({ partition: range.partition, offset: coming }));
      return fetchFrom(broker, this.#topic, from);
    });
    const partitions = answers.flat();
    const failed = partitions.find(({ error }) => error !== 0 && error !== OFFSET_OUT_OF_RANGE);
    if (failed !== undefined) throw createErrorFromCode(failed.error);
    if (partitions.some(({ error }) => error === OFFSET_OUT_OF_RANGE)) await this.#requireKept();
    return partitions;
  }

  #partsOf(partitions: readonly FetchedPartition[]): Part[] {
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
    for (const batch of batchesIn(records, partition, progress.coming)) {
      if (batch.firstOffset >= progress.end) {
        progress.coming = progress.end;
        break;
      }
      batch.verifyChecksum();
      batches.push(batch);
      progress.coming = batch.lastOffset + 1n;
    }
    return batches;
  }

  /** Gives what came last; all of it is passed then, also what compaction took. */
  async #give({ progress, batches, aborted }: Part): Promise<void> {
    let together: FetchedBatch[] = [];
    for (const batch of batches) {
      if (!aborted.isCommitted(batch)) continue;
      if (batch.isPlain || this.#read.keepCompressed === true) {
        together.push(batch);
        continue;
      }
      // Decompressed, each can be large.
      await this.#giveBatches(progress, together);
      together = [];
      if (this.#read.isFull()) return;
      await this.#giveDecompressed(progress, batch);
      if (progress.unreadable !== undefined) return;
    }
    await this.#giveBatches(progress, together);
    if (!this.#read.isFull()) this.#move(progress, progress.coming);
  }

  async #giveDecompressed(progress: Progress, batch: FetchedBatch): Promise<void> {
    const { maxBytes, budget } = this.#read.decoding;
    await budget.use(batch.maxDecodedBytes(maxBytes), async () => {
      const plain = await batch.decompress(maxBytes).catch((error: unknown) => {
        if (!(error instanceof PipelineError)) throw error;
        progress.unreadable = { batch, error };
        progress.end = batch.firstOffset > progress.next ? batch.firstOffset : progress.next;
        progress.coming = progress.end;
        this.#move(progress, progress.end);
      });
      if (plain !== undefined) await this.#giveBatches(progress, [plain]);
    });
  }

  async #giveBatches(progress: Progress, batches: readonly FetchedBatch[]): Promise<void> {
    if (batches.length === 0 || this.#read.isFull()) return;
    const { partition } = progress.range;
    const part = { partition, batches, from: progress.next, to: progress.end };
    this.#move(progress, await this.#read.onBatches(part));
  }

  #move(progress: Progress, next: bigint): void {
    if (next <= progress.next) return;
    progress.next = next;
    this.#lastMove = Date.now();
  }

  /** Nothing came: what is to be read is behind an open transaction, or gone. */
  async #wait(): Promise<void> {
    if (Date.now() - this.#lastMove < this.#read.idleTimeoutMs) {
      await sleep(PAUSE_MS);
      return;
    }
    await this.#requireKept();
    const stuck = this.#progress.find(({ next, end }) => next < end);
    throw new PipelineError(
      'RANGE_STALLED',
      `${this.#topic}/${stuck?.range.partition}: offset ${stuck?.next} did not come within ` +
        `${this.#read.idleTimeoutMs} ms, though offsets up to ${stuck?.end} were to be read`,
    );
  }

  /** @throws {PipelineError} RANGE_GONE when what is to be read begins before what the topic still holds. */
  async #requireKept(): Promise<void> {
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
