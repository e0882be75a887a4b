import type { Table } from '../../tables/table.ts';

/** The codes of the findings of `verify`. */
export type FindingCode =
  /** The tables of a batch are at different offsets. */
  | 'TABLES_DISAGREE'
  /** The topic was deleted and created again: its id changed, or it ends before the offsets that landed. */
  | 'TOPIC_RESET'
  /** The topic that the tables were filled from does not exist. */
  | 'TOPIC_GONE'
  /** Retention deleted messages before they landed. */
  | 'MESSAGE_LOST'
  /** A message before the tables' offset has no row. */
  | 'MESSAGE_NOT_LANDED'
  /** A message has more than one row. */
  | 'MESSAGE_TWICE'
  /** A row's message does not exist in Kafka. */
  | 'ROW_WITHOUT_MESSAGE'
  /** A row's offset is past the table's landed offset. */
  | 'ROW_PAST_LOG'
  /** Another program removed rows of a table that is not compared with Kafka. */
  | 'TABLE_REWRITTEN'
  /** A live file is missing or unreadable. */
  | 'FILE_UNREADABLE'
  /** A live file's length differs from the log. */
  | 'FILE_LENGTH'
  /** A live file's checksum differs from the log. */
  | 'FILE_CHECKSUM'
  /** A live file's row count differs from the log. */
  | 'FILE_ROWS'
  /** A row of `deliveries` has no row in the table of its contract's records. */
  | 'DELIVERY_WITHOUT_RECORD'
  /** A row of a table of records has no row in `deliveries`. */
  | 'RECORD_WITHOUT_DELIVERY'
  /** A message has more than one row in the table of its contract's records. */
  | 'RECORD_TWICE'
  /** An item of an array has no row of its enclosing record or item. */
  | 'CHILD_WITHOUT_PARENT'
  /** The items of an array differ from the payload, or from the column that counts them. */
  | 'CHILD_COUNT'
  /** A table that was added to the warehouse has rows of messages before the offset from which it has rows. */
  | 'ROW_BEFORE_TABLE'
  /** A row of `replays` has no row in `quarantine`. */
  | 'REPLAY_WITHOUT_ORIGINAL'
  /** A row of `quarantine` has several rows in `replays`. */
  | 'REPLAY_MARKED_TWICE'
  /** At the offset in `replays` there is another message. */
  | 'REPLAY_UNLIKE'
  /** A row of `quarantine` was replayed more than once. */
  | 'REPLAYED_TWICE';

/** One inconsistency. */
export interface VerifyFinding {
  readonly code: FindingCode;
  /** A topic and partition, a table, or a file's path in HDFS. */
  readonly where: string;
  readonly message: string;
  /** The command that repairs it; left out if none does, or if other findings must be repaired first. */
  readonly repair?: string;
}

/** A finding in rows, with the tables whose rows can be wrong. */
export interface RowFinding extends VerifyFinding {
  readonly wrong?: readonly Table[];
}

/** An observation that is not an inconsistency of the tables. */
export interface Note {
  readonly where: string;
  readonly message: string;
}
