/** What `verify` can find to be off. */
export type FindingCode =
  /** The tables that a batch fills stand at different offsets. */
  | 'TABLES_DISAGREE'
  /** The topic was deleted and made anew: its id is another, or the tables hold offsets that it does not have yet. */
  | 'TOPIC_RESET'
  /** The topic that the tables were filled from is not there. */
  | 'TOPIC_GONE'
  /** Retention deleted messages before they landed. */
  | 'MESSAGE_LOST'
  /** The tables passed a message that has no row. */
  | 'MESSAGE_NOT_LANDED'
  /** A message has more than one row. */
  | 'MESSAGE_TWICE'
  /** A row names a message that Kafka does not have. */
  | 'ROW_WITHOUT_MESSAGE'
  /** A row names an offset that its table's log does not count as landed. */
  | 'ROW_PAST_LOG'
  /** Another program removed rows of a table that nothing else is compared with. */
  | 'TABLE_REWRITTEN'
  /** A live file is not there, or cannot be read. */
  | 'FILE_UNREADABLE'
  /** A live file is longer or shorter than the log says. */
  | 'FILE_LENGTH'
  /** A live file has other bytes than the log says. */
  | 'FILE_CHECKSUM'
  /** A live file has more or fewer rows than the log says. */
  | 'FILE_ROWS'
  | 'DELIVERY_WITHOUT_ATTEMPT'
  | 'ATTEMPT_WITHOUT_DELIVERY'
  | 'ATTEMPT_TWICE'
  | 'QUESTION_WITHOUT_ATTEMPT'
  | 'OPTION_WITHOUT_QUESTION'
  /** An attempt has other questions than its payload. */
  | 'QUESTION_COUNT'
  /** A question has other options than it says, or an attempt than its payload. */
  | 'OPTION_COUNT'
  /** A row of `replays` has none in `quarantine`. */
  | 'REPLAY_WITHOUT_ORIGINAL'
  /** A row of `quarantine` has more than one in `replays`. */
  | 'REPLAY_MARKED_TWICE'
  /** Where `replays` says that a message stands, another one does. */
  | 'REPLAY_UNLIKE'
  /** A row of `quarantine` was published again more than once. */
  | 'REPLAYED_TWICE';

/** One thing that is off. */
export interface VerifyFinding {
  readonly code: FindingCode;
  /** A topic and partition, a table, or a file's path in HDFS. */
  readonly where: string;
  readonly message: string;
}

/** Something to know that is no fault of the tables. */
export interface Note {
  readonly where: string;
  readonly message: string;
}
