import type { FetchedBatch } from './fetched-batch.ts';

/** A transaction that was aborted, as a broker names it beside what it answers. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Tells in one answer of a broker, batch by batch, what was committed: as the Java client does. */
export class AbortedTransactions {
  /** Those that begin further on, by their first offsets; the broker has them by their ends. */
  readonly #upcoming: AbortedTransaction[];
  /** The producers whose transaction at this place was aborted. */
  readonly #abortedProducers = new Set<bigint>();

  /** @param aborted All that touch the answer's batches. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#upcoming = [...aborted].sort((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1));
  }

  /** Whether the next batch holds messages of no transaction, or of one that was committed. */
  isCommitted(batch: FetchedBatch): boolean {
    for (let next = this.#upcoming[0]; next !== undefined; next = this.#upcoming[0]) {
      if (next.firstOffset > batch.lastOffset) break;
      this.#abortedProducers.add(next.producerId);
      this.#upcoming.shift();
    }
    if (!batch.isControl) return !batch.isTransactional || !this.#abortedProducers.has(batch.producerId);
    if (batch.isAbortMarker()) this.#abortedProducers.delete(batch.producerId);
    return false;
  }
}
