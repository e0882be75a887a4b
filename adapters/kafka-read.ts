import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { messageOf, PipelineError } from '../model/errors.ts';
import type { Batch, OffsetRange } from '../model/references.ts';
import { kafkaClient, topicOffsets, withAdmin, type KafkaOptions } from './kafka.ts';
import './kafka-aborted.ts';
import { asKafkaError } from './kafka-errors.ts';

export type { KafkaMessage } from 'kafkajs';

/** Where a read may stop before its ranges end, and who hears of the messages. */
export interface RangeReadOptions {
  /** Called with messages of one partition, in order; the read goes on when it is done. */
  readonly onMessages: (partition: number, messages: readonly KafkaMessage[]) => Promise<void>;
  /** Asked after each call; once it answers true the read ends where it is. */
  readonly isFull: () => boolean;
  /** When no offset is passed for so long, the read fails. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** The most messages of one call, so that a reader can stop soon after it is full. */
const MESSAGES_A_CALL = 500;

/**
 * Reads exact ranges of a topic's partitions: committed messages alone, each once, in order.
 * Offsets that hold transaction markers or aborted messages are passed over.
 * @returns The ranges as they were read: whole, or shorter where the reader was full; without empty ones.
 * @throws {PipelineError} RANGE_GONE when retention deleted a part, RANGE_STALLED when an offset does not
 * come within the idle time-out (another producer's transaction is open before it), KAFKA_CODEC_MISSING or
 * KAFKA_BATCH_UNREADABLE when messages cannot be decompressed, KAFKA_UNREACHABLE.
 */
export async function readRanges(
  options: KafkaOptions,
  batch: Batch,
  read: RangeReadOptions,
): Promise<OffsetRange[]> {
  const groupId = `read-${randomUUID()}`;
  const consumer = kafkaClient(options, 'read').consumer({
    groupId,
    readUncommitted: false,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 4 << 20,
    maxBytes: 16 << 20,
    allowAutoTopicCreation: false,
    retry: { retries: 4, restartOnFailure: () => Promise.resolve(false) },
  });
  const reader = new RangeReader(consumer, batch, read);
  try {
    await reader.run();
  } catch (error) {
    const failure = asKafkaError(error, `topic ${batch.topic}`);
    throw isCompression(failure) ? await locate(options, reader.rest(), read, failure) : failure;
  } finally {
    await leave(options, consumer, groupId);
  }
  if (reader.jumped) await requireKept(options, batch);
  return reader.rangesRead();
}

/**
 * Removes the group of a read, of which nothing is kept. Where that fails nothing is lost: Kafka forgets a group without
 * members by itself. What the read came to, its error above all, must not give way to it.
 */
async function leave(options: KafkaOptions, consumer: Consumer, groupId: string): Promise<void> {
  try {
    await consumer.disconnect();
    await withAdmin(options, (admin) => admin.deleteGroups([groupId]));
  } catch (error) {
    options.logger.debug({ group: groupId, error: messageOf(error) }, 'the group of a read was not removed');
  }
}

function isCompression({ code }: PipelineError): boolean {
  return code === 'KAFKA_CODEC_MISSING' || code === 'KAFKA_BATCH_UNREADABLE';
}

/**
 * Says where messages stand that cannot be decompressed. The client does not: it fails for all partitions that
 * it fetched at once. So each is read alone from where it was, until one fails alone.
 */
async function locate(
  options: KafkaOptions,
  { topic, ranges }: Batch,
  read: RangeReadOptions,
  failure: PipelineError,
): Promise<PipelineError> {
  const [only, another] = ranges;
  if (only !== undefined && another === undefined)
    return compressionError(`${topic}/${only.partition}: from offset ${only.start} on`, failure);
  const once = { ...read, onMessages: () => Promise.resolve(), isFull: () => true };
  for (const range of ranges) {
    try {
      await readRanges(options, { topic, ranges: [range] }, once);
    } catch (error) {
      if (error instanceof PipelineError && isCompression(error)) return error;
    }
  }
  return compressionError(`topic ${topic}: somewhere`, failure);
}

function compressionError(place: string, failure: PipelineError): PipelineError {
  return new PipelineError(failure.code, `${place}, messages are compressed with ${failure.message}`);
}

/** @throws {PipelineError} RANGE_GONE when a range begins before what the topic still holds. */
async function requireKept(options: KafkaOptions, batch: Batch): Promise<void> {
  const kept = new Map(
    (await topicOffsets(options, batch.topic)).map((offsets) => [offsets.partition, offsets]),
  );
  for (const range of batch.ranges) {
    const earliest = kept.get(range.partition)?.earliest;
    if (earliest === undefined || BigInt(earliest) > BigInt(range.start))
      throw rangeGone(batch.topic, range, earliest);
  }
}

function rangeGone(topic: string, range: OffsetRange, earliest: string | undefined): PipelineError {
  const now = earliest === undefined ? 'the partition is gone' : `the topic now begins at offset ${earliest}`;
  return new PipelineError(
    'RANGE_GONE',
    `${topic}/${range.partition}: offsets ${range.start} to before ${range.end} were to be read, but ${now}`,
  );
}

/** How far one partition's range was read. */
interface Progress {
  readonly range: OffsetRange;
  readonly end: bigint;
  next: bigint;
}

/** One read: a consumer group of its own, sought to the ranges and paused behind them. */
class RangeReader {
  /** Whether an offset came that was not the next one, as transactions and retention cause it. */
  jumped = false;
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #read: RangeReadOptions;
  readonly #progress: Map<number, Progress>;
  #full = false;
  #lastMove = Date.now();
  #finish: (failure?: unknown) => void = () => undefined;

  constructor(consumer: Consumer, batch: Batch, read: RangeReadOptions) {
    this.#consumer = consumer;
    this.#topic = batch.topic;
    this.#read = read;
    this.#progress = new Map(
      batch.ranges.map((range) => [
        range.partition,
        { range, end: BigInt(range.end), next: BigInt(range.start) },
      ]),
    );
  }

  rangesRead(): OffsetRange[] {
    return [...this.#progress.values()]
      .map(({ range, next, end }) => ({ ...range, end: String(next < end ? next : end) }))
      .filter(({ start, end }) => start !== end);
  }

  /** What is still to be read. */
  rest(): Batch {
    const ranges = [...this.#progress.values()].map(({ range, next }) => ({ ...range, start: String(next) }));
    return { topic: this.#topic, ranges: ranges.filter(({ start, end }) => BigInt(start) < BigInt(end)) };
  }

  async run(): Promise<void> {
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = (failure) => {
        if (failure === undefined) resolve();
        else reject(asKafkaError(failure, `topic ${this.#topic}`));
      };
    });
    const idle = setInterval(() => {
      this.#checkIdle();
    }, 200);
    const onAbort = (): void => {
      this.#finish(new PipelineError('KAFKA_UNREACHABLE', `the read of ${this.#topic} was cancelled`));
    };
    this.#read.signal.addEventListener('abort', onAbort);
    try {
      await Promise.all([finished, this.#start()]);
    } finally {
      clearInterval(idle);
      this.#read.signal.removeEventListener('abort', onAbort);
    }
  }

  async #start(): Promise<void> {
    const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      // Before the first fetch, so that nothing outside of the ranges is ever read.
      for (const partition of payload.memberAssignment[this.#topic] ?? []) this.#seekOrPause(partition);
    });
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      // Batches of nothing but markers and aborted messages come here alone.
      this.#passed(payload.partition, payload.firstOffset, BigInt(payload.lastOffset) + 1n);
    });
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#finish(payload.error);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: this.#topic, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.#take(payload),
    });
  }

  #seekOrPause(partition: number): void {
    const progress = this.#progress.get(partition);
    if (progress === undefined || progress.next >= progress.end) {
      this.#consumer.pause([{ topic: this.#topic, partitions: [partition] }]);
    } else {
      this.#consumer.seek({ topic: this.#topic, partition, offset: String(progress.next) });
    }
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const progress = this.#progress.get(batch.partition);
    if (this.#full || progress === undefined) return;
    this.#noteJump(progress, batch.firstOffset());
    try {
      const wanted = batch.messages.filter(
        ({ offset }) => BigInt(offset) >= progress.next && BigInt(offset) < progress.end,
      );
      for (let at = 0; at < wanted.length && !this.#full; at += MESSAGES_A_CALL) {
        const messages = wanted.slice(at, at + MESSAGES_A_CALL);
        await this.#read.onMessages(batch.partition, messages);
        progress.next = BigInt(messages.at(-1)?.offset ?? '0') + 1n;
        this.#lastMove = Date.now();
        this.#full = this.#read.isFull();
        await payload.heartbeat();
      }
      // Else kafkajs would read the same batch again.
      payload.resolveOffset(batch.lastOffset());
    } catch (error) {
      this.#finish(error);
    }
  }

  /** Notes that a partition was read up to an offset; ends the read when all are. */
  #passed(partition: number, first: string | null, next: bigint): void {
    const progress = this.#progress.get(partition);
    if (progress === undefined) return;
    this.#noteJump(progress, first);
    if (!this.#full && next > progress.next) {
      progress.next = next;
      this.#lastMove = Date.now();
    }
    if (progress.next >= progress.end)
      this.#consumer.pause([{ topic: this.#topic, partitions: [partition] }]);
    const done = this.#full || [...this.#progress.values()].every((one) => one.next >= one.end);
    if (done) this.#finish();
  }

  /** Where the first offset is not the next one, either a transaction took it or it was deleted. */
  #noteJump({ next }: Progress, first: string | null): void {
    if (first !== null && BigInt(first) > next) this.jumped = true;
  }

  #checkIdle(): void {
    if (Date.now() - this.#lastMove < this.#read.idleTimeoutMs) return;
    const stuck = [...this.#progress.values()].find(({ next, end }) => next < end);
    if (stuck === undefined) return;
    this.#finish(
      new PipelineError(
        'RANGE_STALLED',
        `${this.#topic}/${stuck.range.partition}: offset ${stuck.next} did not come within ` +
          `${this.#read.idleTimeoutMs} ms, though offsets up to ${stuck.end} were to be read`,
      ),
    );
  }
}
