import { PipelineError } from '../../model/errors.ts';
import { parseMarker, type Marker } from './markers.ts';
import type { FetchedBatch } from './wire/fetched-batch.ts';

/**
 * Follows the log of one partition of the topic of markers, read uncommitted, and keeps the markers that are asked for. A
 * marker counts once the commit of its transaction follows it: the control record of the same producer id. So an open
 * transaction of another producer hides nothing, as it does from reads up to the last stable offset.
 */
export class MarkerScan {
  /** The offset of the next batch. */
  next: bigint;
  readonly #partition: string;
  readonly #isWanted: (key: string) => boolean;
  readonly #committed = new Map<string, Marker>();
  /** Wanted markers of transactions that have not ended yet, by producer id. */
  readonly #open = new Map<bigint, Map<string, Marker>>();

  /**
   * @param start The partition's first offset.
   * @param partition topic/partition, for errors.
   */
  constructor(start: bigint, partition: string, isWanted: (key: string) => boolean) {
    this.next = start;
    this.#partition = partition;
    this.#isWanted = isWanted;
  }

  /** The wanted markers of committed transactions, by key. */
  get committed(): ReadonlyMap<string, Marker> {
    return this.#committed;
  }

  /** The key of a wanted marker whose transaction has not ended yet. */
  get openKey(): string | undefined {
    for (const markers of this.#open.values()) for (const key of markers.keys()) return key;
    return undefined;
  }

  /**
   * Adds the next batch of the partition.
   * @throws {PipelineError} KAFKA_REFUSED for a wanted marker that cannot be parsed; KAFKA_BATCH_DAMAGED
   */
  add(batch: FetchedBatch): void {
    this.next = batch.lastOffset + 1n;
    if (batch.isControl) this.#end(batch);
    // A message outside of a transaction is not a marker, whatever it says.
    else if (batch.isTransactional) this.#keep(batch);
  }

  #end(batch: FetchedBatch): void {
    const ended = this.#open.get(batch.producerId);
    if (ended === undefined) return;
    this.#open.delete(batch.producerId);
    if (batch.isAbortMarker()) return;
    // A set is marked once; a second marker is not a set of this program, and does not replace the first.
    for (const [key, marker] of ended) if (!this.#committed.has(key)) this.#committed.set(key, marker);
  }

  #keep(batch: FetchedBatch): void {
    for (const { key: bytes, value, offsetDelta } of batch.read()) {
      const key = bytes?.toString() ?? '';
      if (!this.#isWanted(key)) continue;
      const place = `${this.#partition}/${batch.offsetOf(offsetDelta)}`;
      if (value === null) throw new PipelineError('KAFKA_REFUSED', `${place}: the marker has no value`);
      const markers = this.#open.get(batch.producerId) ?? new Map<string, Marker>();
      this.#open.set(
        batch.producerId,
        markers.set(key, parseMarker(value.toString(), batch.producerId, place)),
      );
    }
  }
}
