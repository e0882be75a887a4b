/**
 * Every error that the pipeline raises by name: whether trying again can help, and what a person can do.
 *
 * `passing` errors are retried by Temporal until the policy of their step is used up. `lasting` errors
 * fail the step at once, since no retry can help. Both then leave the run waiting for a person.
 */
export const ERROR_CODES = {
  USAGE_INVALID: { retry: 'lasting', advice: 'See: pipeline COMMAND --help' },
  INPUT_INVALID: {
    retry: 'lasting',
    advice:
      'Nothing was read, written or removed. Start runs with the workflow ingest alone; see who else may write to the Temporal namespace (docs/clusters.md).',
  },
  CONTENT_UNPROVEN: {
    retry: 'lasting',
    advice:
      'All that was published has landed. Skip ends the run and leaves its content unmarked: if the source gives it again, its records land twice. Raise offsets.retention.minutes of Kafka above the time that a run may wait.',
  },
  SETTINGS_INVALID: {
    retry: 'lasting',
    advice: 'Correct pipeline.yaml, or set the variable, as the message says.',
  },
  SOURCE_UNKNOWN: { retry: 'lasting', advice: 'Name a source of pipeline.yaml, or add this one there.' },
  SOURCE_UNREACHABLE: {
    retry: 'passing',
    advice: 'See whether the customer’s server is up and its url right.',
  },
  SOURCE_BUSY: {
    retry: 'passing',
    advice: 'The customer’s server asked to wait; the step tries again later.',
  },
  SOURCE_REFUSED: { retry: 'lasting', advice: 'Check the source’s url and credentials with the customer.' },
  SOURCE_PAGED: {
    retry: 'lasting',
    advice: 'Ask the customer for a url that gives all records at once: only one page can be read.',
  },
  SOURCE_CHANGED: { retry: 'passing', advice: 'The content changed during the download, which starts over.' },
  SOURCE_CUT: {
    retry: 'passing',
    advice:
      'The content is fetched again. If it always ends so, ask the customer for all of it, in which each line, if it is of lines, ends with a line feed; then retry.',
  },
  SOURCE_MALFORMED: {
    retry: 'lasting',
    advice:
      'Ask the customer for well-formed content, or correct the source in pipeline.yaml as the message says; then retry.',
  },
  SOURCE_TOO_LARGE: {
    retry: 'lasting',
    advice:
      'Raise limits.contentBytes, if content of this size is expected; beyond its maximum, have the customer divide the content, as by intervals.',
  },
  PAYLOAD_TOO_LARGE: {
    retry: 'lasting',
    advice:
      'Let less come together: lower limits.batchMessages, or give a topic fewer partitions or sources. Then retry.',
  },
  STAGING_LOST: { retry: 'lasting', advice: 'None: the work starts again from its last checkpoint.' },
  STAGING_FULL: { retry: 'passing', advice: 'Free space in the worker’s staging folder or raise its bound.' },
  QUARANTINE_LIMIT: {
    retry: 'lasting',
    advice:
      'Correct the cause, then retry. Skip passes over the limit, not over the records: the bad go into quarantine.',
  },
  NOTHING_GOOD: {
    retry: 'lasting',
    advice:
      'See whether this is the content that was asked for; correct the cause, then retry. Skip publishes all of it: every record goes into quarantine.',
  },
  KAFKA_UNREACHABLE: { retry: 'passing', advice: 'See whether the Kafka brokers are up and reachable.' },
  KAFKA_REFUSED: {
    retry: 'lasting',
    advice: 'Check the topic and the worker’s rights on the Kafka cluster.',
  },
  PUBLISH_FENCED: {
    retry: 'passing',
    advice: 'Another try or run publishes the same; the next try sees what it did.',
  },
  RANGE_STALLED: {
    retry: 'passing',
    advice: 'See whether another producer’s transaction is open on the topic.',
  },
  RANGE_GONE: {
    retry: 'lasting',
    advice:
      'The topic’s retention deleted records before they landed. Abort the run, and have them published again.',
  },
  KAFKA_CODEC_MISSING: {
    retry: 'lasting',
    advice:
      'Start the worker with a Node that reads the compression, then retry. Skip passes this one batch of Kafka, and records its offsets as skipped.',
  },
  KAFKA_BATCH_DAMAGED: {
    retry: 'passing',
    advice: 'See whether the disk of the partition’s leader, and the network to it, are sound.',
  },
  KAFKA_BATCH_UNREADABLE: {
    retry: 'lasting',
    advice:
      'Where it is too large, raise limits.batchDecodedBytes, start the workers again and retry. Where it is of a message format of before Kafka 0.11, copy the topic’s messages to a new topic with a consumer and a producer of Kafka, and ingest that. Skip passes this one batch of Kafka, and records its offsets as skipped.',
  },
  TOPIC_RESET: {
    retry: 'lasting',
    advice: 'The topic was deleted and made anew; ingest it under a new name.',
  },
  OFFSETS_MOVED: {
    retry: 'lasting',
    advice: 'None: another run landed part of the batch, so it is planned again.',
  },
  HDFS_UNREACHABLE: {
    retry: 'passing',
    advice: 'See whether the NameNode and the DataNodes are up and reachable.',
  },
  HDFS_REFUSED: {
    retry: 'lasting',
    advice: 'Check the rights, quota and state of HDFS as the message says.',
  },
  HDFS_DAMAGED: { retry: 'passing', advice: 'What was stored differs from what was sent; it is sent again.' },
  TABLE_LOG_INVALID: {
    retry: 'lasting',
    advice: 'Repair the table’s _delta_log; nothing is written until then.',
  },
  TABLE_OTHER_COLUMNS: {
    retry: 'lasting',
    advice:
      'Where another program changed the table, change it back with that program, then retry; else land into a new warehouse: set hdfs.warehouse to another folder (docs/adding-a-table.md).',
  },
  TABLE_LOG_CHANGED: {
    retry: 'lasting',
    advice:
      'Put the entries back into the table’s _delta_log, then retry. Where the table was set back on purpose, set back all tables of the warehouse to the same moment and start the workers again, then retry (docs/operating.md).',
  },
  TABLE_REWRITTEN: {
    retry: 'lasting',
    advice:
      'Restore the table to the version that the message names, with the program that removed the rows, then retry; or land into a new warehouse (docs/operating.md).',
  },
  TRANSFORM_FAILED: {
    retry: 'lasting',
    advice: 'A fault of this program: report the message. Nothing landed.',
  },
  TEMPORAL_UNREACHABLE: {
    retry: 'passing',
    advice: 'See whether Temporal is up (npm run services -- status) and temporal.address right.',
  },
  TEMPORAL_REFUSED: {
    retry: 'lasting',
    advice: 'Correct the namespace, the login or the rights there, as the message says (docs/clusters.md).',
  },
  WORKER_MISSING: {
    retry: 'passing',
    advice: 'Start one with: npm run worker. The run is kept, and goes on where it was.',
  },
  RUN_UNKNOWN: { retry: 'lasting', advice: 'List the runs with: pipeline list' },
  RUN_REFUSED: { retry: 'lasting', advice: 'See what the run waits for with: pipeline status RUN' },
  RUN_FAILED: {
    retry: 'lasting',
    advice: 'See the run in the Temporal UI; start another when the cause is gone.',
  },
  SCHEDULE_INVALID: { retry: 'lasting', advice: 'See: pipeline schedule --help' },
  SCHEDULE_UNKNOWN: {
    retry: 'lasting',
    advice: 'List the schedules with: pipeline schedule list; make one with: pipeline schedule set',
  },
  SCHEDULE_STALLED: {
    retry: 'passing',
    advice: 'See what the schedule does with: pipeline schedule show SOURCE; then give the command again.',
  },
  QUERY_INVALID: {
    retry: 'lasting',
    advice: 'Correct the query; pipeline tables NAME shows the columns of a table or view.',
  },
  QUERY_REFUSED: {
    retry: 'lasting',
    advice:
      'A query reads the tables and views, and nothing else. If you trust it with all that you may do yourself, give --trusted.',
  },
  QUARANTINE_UNKNOWN: {
    retry: 'lasting',
    advice: 'List what is in quarantine with: pipeline quarantine list',
  },
  REPORT_EMPTY: {
    retry: 'lasting',
    advice:
      'Bring attempts first, with: pipeline start SOURCE --follow; pipeline tables shows what has landed.',
  },
  OUTPUT_UNWRITABLE: {
    retry: 'lasting',
    advice: 'See whether the folder of --output can be written to and has room.',
  },
  TABLE_UNKNOWN: { retry: 'lasting', advice: 'List the tables and views with: pipeline tables' },
  FOLDER_NOT_OWN: {
    retry: 'lasting',
    advice:
      'Name another folder, or give this one to the user that runs this program (chown): records and secrets lie in it.',
  },
  CACHE_UNUSABLE: {
    retry: 'lasting',
    advice: 'Make the folder writable, or name another one in the environment variable XDG_CACHE_HOME.',
  },
  TRANSFORM_MISMATCH: {
    retry: 'lasting',
    advice: 'A fault of this program: report the message. Nothing landed.',
  },
  SERVICE_TOOL_MISSING: {
    retry: 'lasting',
    advice: 'Install the tool as the message says, then start again.',
  },
  SERVICE_INSTALL_FAILED: {
    retry: 'passing',
    advice: 'See the log that the message names, then start again.',
  },
  SERVICE_PORT_TAKEN: { retry: 'lasting', advice: 'Stop what holds the port, or start with --free-ports.' },
  SERVICE_NOT_READY: { retry: 'passing', advice: 'See the log that the message names.' },
  SERVICE_NOT_STOPPED: { retry: 'lasting', advice: 'End the process that the message names by hand.' },
  SERVICE_BUSY: { retry: 'passing', advice: 'Wait for the process that the message names, or end it.' },
} as const satisfies Record<string, { retry: 'passing' | 'lasting'; advice: string }>;

/** The name of an error; the key of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** How an error came about, besides its message. */
export interface ErrorOptionsOf {
  /** What raised it. Its message is shown, so it must hold neither a payload nor a secret. */
  readonly cause?: unknown;
  /** Not before this many milliseconds is another try of use, for example from `Retry-After`. */
  readonly retryAfterMs?: number;
}

/**
 * An error that says what happened and to what: source, topic/partition/offset, or path.
 * Its message never holds a payload or a secret.
 */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptionsOf = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether another try can help. */
  get canRetry(): boolean {
    return ERROR_CODES[this.code].retry === 'passing';
  }

  /** What a person can do about it. */
  get advice(): string {
    return ERROR_CODES[this.code].advice;
  }
}

/** The message of anything thrown, with its cause's where that says more. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const inner = thrown instanceof AggregateError ? (thrown.errors as unknown[])[0] : thrown.cause;
  const own = thrown.message || thrown.name;
  if (inner === undefined || inner === null) return own;
  const said = messageOf(inner);
  return own.includes(said) ? own : `${own}: ${said}`;
}
