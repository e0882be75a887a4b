import type { ErrorCode } from '../../model/errors.ts';
import { ByteBudget } from '../../lib/byte-budget.ts';
import type { FetchedBatch, KafkaMessage } from './wire/fetched-batch.ts';

/** How much memory the batches that are compressed may take, one and all at once. */
export interface Decoding {
  /** How many bytes one may take decompressed. */
  readonly maxBytes: number;
  /** Shared by all who read at once. */
  readonly budget: ByteBudget;
}

/** How many of the largest batches are decompressed at once. */
const LARGEST_AT_ONCE = 2;

/** @param maxBytes How many bytes one batch may take decompressed. */
export function decodingOf(maxBytes: number): Decoding {
  return { maxBytes, budget: new ByteBudget(maxBytes * LARGEST_AT_ONCE) };
}

/** How a read goes on, whatever it is given as. */
interface ReadOptions {
  /** Asked before each call; once it answers true the read ends where it is. */
  readonly isFull: () => boolean;
  /** The read fails after this time without progress, in milliseconds. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Where a read may stop before its ranges end, and who hears of the messages. */
export interface RangeReadOptions extends ReadOptions {
  /**
   * Called with messages of one partition, in order; the read goes on when it is done. Their memory is used again then.
   */
  readonly onMessages: (partition: number, messages: readonly KafkaMessage[]) => Promise<void>;
}

/** What was read of a partition: committed batches, mostly decompressed; of them what is of the range is to be taken. */
export interface ReadSlice {
  readonly partition: number;
  readonly batches: readonly FetchedBatch[];
  /** The first offset of the range that is still to be taken. */
  readonly from: bigint;
  /** The offset before which it ends. */
  readonly to: bigint;
}

/** As {@link RangeReadOptions}, for whoever takes whole batches. */
export interface BatchReadOptions extends ReadOptions {
  readonly decoding: Decoding;
  /**
   * Called with what came of one partition, in order; the read goes on when it is done. Its memory is used again then.
   * @returns The first offset that it did not take, which matters once the reader is full.
   */
  readonly onBatches: (part: ReadSlice) => Promise<bigint>;
  /** Whether batches are given as they are in the topic, not decompressed. */
  readonly keepCompressed?: boolean;
  /** Whether the ranges must be read whole: then it fails at a batch that cannot be read, wherever it is. */
  readonly isExact?: boolean;
  /**
   * Passes a batch that cannot be decompressed, and ends the read behind it. Without it the read fails where the first
   * batch is such a one, and ends before a later one.
   */
  readonly onUnreadable?: (batch: FetchedBatch, code: ErrorCode) => void;
}
