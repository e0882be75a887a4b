import type { ErrorCode } from '../../model/errors.ts';
import { ByteBudget } from '../../lib/byte-budget.ts';
import type { FetchedBatch, KafkaMessage } from './wire/fetched-batch.ts';

/** Memory bounds for decompression. */
export interface Decoding {
  /** The maximum decompressed size of a batch, in bytes. */
  readonly maxBytes: number;
  /** Shared by all concurrent reads. */
  readonly budget: ByteBudget;
}

/** How many batches of the maximum size may be decompressed at once. */
const MAX_CONCURRENT_BATCHES = 2;

/**
 * Creates a budget for the decompression of batches.
 * @param maxBytes The maximum decompressed size of a batch.
 */
export function decodingOf(maxBytes: number): Decoding {
  return { maxBytes, budget: new ByteBudget(maxBytes * MAX_CONCURRENT_BATCHES) };
}

/** Options of any read. */
interface ReadOptions {
  /** Called before each callback; the read stops once it returns true. */
  readonly isFull: () => boolean;
  /** The read fails with RANGE_STALLED after this time without progress, in milliseconds. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Options of a read of messages. */
export interface RangeReadOptions extends ReadOptions {
  /** Called with messages of one partition, in order, and awaited. Their buffers are reused once it resolves. */
  readonly onMessages: (partition: number, messages: readonly KafkaMessage[]) => Promise<void>;
}

/**
 * Committed batches of a partition, decompressed unless {@link BatchReadOptions.keepCompressed} is set. The first and the
 * last one can have messages outside of `from` and `to`.
 */
export interface ReadSlice {
  readonly partition: number;
  readonly batches: readonly FetchedBatch[];
  /** The first offset of the range that was not delivered yet. */
  readonly from: bigint;
  /** The end of the range, exclusive. */
  readonly to: bigint;
}

/** Options of a read of record batches. */
export interface BatchReadOptions extends ReadOptions {
  readonly decoding: Decoding;
  /**
   * Called with batches of one partition, in order, and awaited. Their buffers are reused once it resolves.
   * @returns The offset after the last message that was accepted; the range ends there once `isFull` returns true.
   */
  readonly onBatches: (part: ReadSlice) => Promise<bigint>;
  /** Whether batches are delivered as they are in the topic, not decompressed. */
  readonly keepCompressed?: boolean;
  /** Whether the ranges must be read completely: then any batch that cannot be decompressed fails the read. */
  readonly isExact?: boolean;
  /**
   * Called with a batch that cannot be decompressed, if it is the first one of the read; the read skips it and ends after
   * it. A read ends before a later one. Without this callback, the read fails if the first batch is one.
   */
  readonly onUnreadable?: (batch: FetchedBatch, code: ErrorCode) => void;
}
