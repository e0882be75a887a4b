import type { Transaction } from './actions.ts';

/** How the state of a log is read: what it forgets, by which clock. */
export interface LogReadOptions {
  /** The transactions that the table forgets; none by default. */
  readonly transactionRetention?: TransactionRetention;
  /** The clock, in milliseconds since 1970; the machine's by default. */
  readonly nowMs?: () => number;
}

/** Which transactions of a table are forgotten, and when; all others are kept for ever. */
export interface TransactionRetention {
  /** Milliseconds since a transaction's `lastUpdated`. */
  readonly retentionMs: number;
  readonly isForgettable: (appId: string) => boolean;
}

/**
 * Returns whether a transaction is forgotten: read as if it were not in the log, and left out of checkpoints. Decided by
 * its own time, so that it is the same whether it is read from an entry or a checkpoint. Without a time it is kept.
 */
export function isForgotten(
  retention: TransactionRetention | undefined,
  { appId, lastUpdated }: Pick<Transaction, 'appId' | 'lastUpdated'>,
  nowMs: number,
): boolean {
  if (retention === undefined || lastUpdated === undefined || lastUpdated === null) return false;
  return lastUpdated < nowMs - retention.retentionMs && retention.isForgettable(appId);
}
