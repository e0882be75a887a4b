import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { KafkaOptions } from './client.ts';
import { requireRetained, type RangeProgress } from './range-progress.ts';
import { retryTransient } from './retry-transient.ts';
import { fetchFrom, READ_COMMITTED, type FetchedPartition, type IsolationLevel } from './wire/fetch.ts';
import { createErrorFromCode, type Cluster } from './wire/internals.ts';

/** Error code 1: the offset is before the log start offset, or after the log end offset. */
const OFFSET_OUT_OF_RANGE = 1;

/** Sends the Fetch requests of a read to the leaders of its partitions. */
export class RangeFetcher {
  readonly #options: KafkaOptions;
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #isolation: IsolationLevel;
  /** In the order of the Fetch request: only the first partition of a response gets a batch above the size limits. */
  readonly #progress: RangeProgress[];
  #latest: Promise<FetchedPartition[]> = Promise.resolve([]);
  #isClosed = false;

  /** @param progress The ranges; their `fetchOffset` is read at each request. */
  constructor(
    options: KafkaOptions,
    cluster: Cluster,
    topic: string,
    progress: readonly RangeProgress[],
    isolation: IsolationLevel = READ_COMMITTED,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#topic = topic;
    this.#isolation = isolation;
    this.#progress = [...progress];
  }

  /**
   * Fetches the next batches of each open range. A rejection of the returned promise need not be handled: the read can
   * end before it is awaited.
   */
  fetch(): Promise<FetchedPartition[]> {
    this.#latest = retryTransient(
      this.#cluster,
      () => this.#fetchOnce(),
      () => this.#isClosed,
    );
    this.#latest.catch(() => undefined);
    return this.#latest;
  }

  /** Waits for the Fetch requests under way, without retries: a retry would connect again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#latest]);
  }

  async #fetchOnce(): Promise<FetchedPartition[]> {
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
      return fetchFrom(broker, this.#topic, positions, this.#isolation);
    });
    const partitions = answers.flat();
    const failed = partitions.find(({ error }) => error !== 0 && error !== OFFSET_OUT_OF_RANGE);
    if (failed !== undefined) throw createErrorFromCode(failed.error);
    if (partitions.some(({ error }) => error === OFFSET_OUT_OF_RANGE)) {
      await requireRetained(this.#options, this.#topic, this.#progress);
    }
    return partitions;
  }
}
