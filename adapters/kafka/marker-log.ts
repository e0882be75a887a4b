import { setTimeout as sleep } from 'node:timers/promises';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { Mutex } from '../../lib/mutex.ts';
import { PipelineError } from '../../model/errors.ts';
import { clusterError, LOADING_INTERVAL_MS, LOADING_TIMEOUT_MS, type KafkaWithMarkers } from './client.ts';
import { brokerErrorType } from './errors.ts';
import { MarkerScan } from './marker-scan.ts';
import { markerKey, markerPartition, markerPrefix, type Marker } from './markers.ts';
import { RangeFetcher } from './range-fetcher.ts';
import { startRange } from './range-progress.ts';
import { retryTransient } from './retry-transient.ts';
import { openCluster, type OpenCluster } from './wire/cluster.ts';
import { READ_UNCOMMITTED } from './wire/fetch.ts';
import { batchesIn } from './wire/fetched-batches.ts';

/** A marker has at most some hundred kilobytes; see `requireFewPartitions`. */
const MAX_DECODED_BYTES = 1 << 20;

const MAX_CONCURRENT_SCANS = 4;

/** Reads the topic of markers over a connected cluster. */
export class MarkerLog {
  readonly #options: KafkaWithMarkers;
  readonly #open: OpenCluster;
  readonly #mutex = new Mutex();
  /** The scan of {@link find}, continued while the keys have its prefix. */
  #latest: { readonly prefix: string; readonly first: bigint; readonly scan: MarkerScan } | undefined;

  constructor(options: KafkaWithMarkers, open: OpenCluster) {
    this.#options = options;
    this.#open = open;
  }

  /**
   * Returns the committed marker with a key; undefined if there is none. Continues the scan of its neighbours.
   * @param end The offset (exclusive) up to which the partition is read at least; by default its high watermark.
   */
  async find(key: string, end?: bigint): Promise<Marker | undefined> {
    return this.#mutex.run(async () => {
      const prefix = markerPrefix(key);
      const partition = markerPartition(key);
      const first = await this.#offsetOf(partition, true);
      // With another first offset, markers expired since the last scan.
      if (this.#latest?.prefix !== prefix || this.#latest.first !== first)
        this.#latest = { prefix, first, scan: this.#scan(partition, first, (one) => one.startsWith(prefix)) };
      const { scan } = this.#latest;
      await this.#advance(scan, partition, end ?? (await this.#offsetOf(partition, false)));
      return scan.committed.get(key);
    });
  }

  /**
   * Returns the committed markers among keys. Waits for the end of their transactions, since brokers write the commits
   * after they acknowledge EndTxn.
   * @throws {PipelineError} KAFKA_UNREACHABLE if a transaction does not end
   */
  async findAll(keys: readonly string[]): Promise<ReadonlyMap<string, Marker>> {
    const wanted = new Set(keys);
    const partitions = [...new Set(keys.map(markerPartition))];
    const found = await mapConcurrent(MAX_CONCURRENT_SCANS, partitions, async (partition) => {
      const first = await this.#offsetOf(partition, true);
      const scan = this.#scan(partition, first, (key) => wanted.has(key));
      const deadline = Date.now() + LOADING_TIMEOUT_MS;
      for (;;) {
        await this.#advance(scan, partition, await this.#offsetOf(partition, false));
        if (scan.openKey === undefined) return [...scan.committed];
        if (Date.now() > deadline) throw this.#openError(scan.openKey);
        await sleep(LOADING_INTERVAL_MS);
      }
    });
    return new Map(found.flat());
  }

  #scan(partition: number, first: bigint, isWanted: (key: string) => boolean): MarkerScan {
    return new MarkerScan(first, `${this.#options.markerTopic}/${partition}`, isWanted);
  }

  /** Returns the first offset of a partition, or its high watermark, which covers all that was acknowledged (KIP-207). */
  async #offsetOf(partition: number, fromBeginning: boolean): Promise<bigint> {
    const { cluster } = this.#open;
    const topic = this.#options.markerTopic;
    const [found] = await retryTransient(cluster, async () => {
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadataIfNecessary();
      return cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]);
    });
    const offset = found?.partitions[0]?.offset;
    if (offset !== undefined) return BigInt(offset);
    throw new PipelineError('KAFKA_UNREACHABLE', `topic ${topic}: partition ${partition} has no leader`);
  }

  async #advance(scan: MarkerScan, partition: number, end: bigint): Promise<void> {
    const { cluster, memory } = this.#open;
    const topic = this.#options.markerTopic;
    const progress = startRange({ partition, start: String(scan.next), end: String(end) });
    const fetcher = new RangeFetcher(this.#options, cluster, topic, [progress], READ_UNCOMMITTED);
    const deadline = Date.now() + LOADING_TIMEOUT_MS;
    while (progress.fetchOffset < end) {
      const before = progress.fetchOffset;
      for (const { records } of await fetcher.fetch()) {
        for (const batch of batchesIn(records, `${topic}/${partition}`, progress.fetchOffset)) {
          batch.verifyChecksum();
          scan.add(batch.isPlain ? batch : await batch.decompress(MAX_DECODED_BYTES));
          progress.fetchOffset = scan.next;
          progress.next = scan.next;
        }
        memory.release(records);
      }
      if (progress.fetchOffset === before && Date.now() > deadline)
        throw new PipelineError(
          'KAFKA_UNREACHABLE',
          `${topic}/${partition}: offset ${before} was not received, though the partition ends at ${end}`,
        );
    }
  }

  #openError(key: string): PipelineError {
    return new PipelineError(
      'KAFKA_UNREACHABLE',
      `topic ${this.#options.markerTopic}: the transaction of the marker ${key} has not ended`,
    );
  }
}

/**
 * Reads the markers of several sets of a topic.
 * @returns The markers found, by set id.
 * @throws {PipelineError} KAFKA_UNREACHABLE or KAFKA_REFUSED
 */
export async function readMarkers(
  options: KafkaWithMarkers,
  topic: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Marker>> {
  if (ids.length === 0) return new Map();
  const open = openCluster(options, 'markers');
  try {
    await open.cluster.connect();
    const keys = ids.map((id) => markerKey(topic, id));
    const found = await new MarkerLog(options, open).findAll(keys);
    return new Map([...found].map(([key, marker]) => [key.slice(topic.length + 1), marker]));
  } catch (error) {
    // Nothing was published yet.
    if (brokerErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return new Map();
    throw await clusterError(options, error, `topic ${options.markerTopic}`);
  } finally {
    await open.cluster.disconnect();
  }
}
