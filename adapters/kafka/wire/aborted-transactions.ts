import type { FetchedBatch } from './fetched-batch.ts';

/** An entry of `aborted_transactions` in a Fetch response. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Filters the aborted batches of one partition in a Fetch response, with the Java client's algorithm. */
export class AbortedTransactions {
  /** Transactions that begin after the current batch, by first offset; the broker sends them in order of their ends. */
  readonly #upcoming: AbortedTransaction[];
  /** Producers with an aborted transaction open at the current batch. */
  readonly #abortedProducers = new Set<bigint>();

  /** @param aborted The `aborted_transactions` of the partition. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#upcoming = [...aborted].sort((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1));
  }

  /** Whether a batch holds committed or non-transactional messages; called for each batch, in order. */
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
