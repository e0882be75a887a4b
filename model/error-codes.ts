import { TABLE_CODES, type ErrorKind } from './error-codes-tables.ts';

/**
 * The error codes, each with its kind and what an operator can do.
 *
 * Temporal retries `transient` errors as the step's retry policy says; `permanent` errors fail the step at once. In
 * both cases the run then waits for a person.
 */
export const ERROR_CODES = {
  USAGE_INVALID: { retry: 'permanent', advice: 'See: pipeline COMMAND --help' },
  INPUT_INVALID: {
    retry: 'permanent',
    advice:
      'The activity refused its input; nothing was read, written or removed. Start runs only through the workflow ingest, and check who else can write to the Temporal namespace (docs/clusters.md).',
  },
  CONTENT_UNPROVEN: {
    retry: 'permanent',
    advice:
      'All published records have landed. Skip ends the run without marking the content as ingested: if the source delivers it again, its records land twice. To prevent this, set kafka.markerRetention, and retention.ms of that topic, longer than a run may wait.',
  },
  SETTINGS_INVALID: {
    retry: 'permanent',
    advice: 'Correct pipeline.yaml or the environment variable as the message says.',
  },
  CONTRACT_INVALID: {
    retry: 'permanent',
    advice: 'Correct the contract’s file at the lines of the message (docs/contracts.md).',
  },
  SOURCE_UNKNOWN: {
    retry: 'permanent',
    advice: 'Use the name of a source in pipeline.yaml, or add the source there.',
  },
  SOURCE_UNREACHABLE: {
    retry: 'transient',
    advice: 'Check that the customer’s server is up and that the source’s url is right.',
  },
  SOURCE_BUSY: {
    retry: 'transient',
    advice: 'The customer’s server asked to wait (HTTP 429 or Retry-After); the step is retried later.',
  },
  SOURCE_REFUSED: { retry: 'permanent', advice: 'Check the source’s url and credentials with the customer.' },
  SOURCE_PAGED: {
    retry: 'permanent',
    advice:
      'The content comes in pages that the source’s settings do not describe: set `paging` as docs/adding-a-source.md says, or correct it as the message says; then retry.',
  },
  SOURCE_CHANGED: {
    retry: 'transient',
    advice:
      'The content, or the list whose pages are read, changed during the download, so the download restarts.',
  },
  SOURCE_CUT: {
    retry: 'transient',
    advice:
      'The content was truncated and is fetched again. If this persists, ask the customer for complete content (NDJSON must end with a line feed), then retry.',
  },
  SOURCE_MALFORMED: {
    retry: 'permanent',
    advice:
      'Ask the customer for well-formed content, or correct the source in pipeline.yaml as the message says; then retry.',
  },
  SOURCE_TOO_LARGE: {
    retry: 'permanent',
    advice:
      'Raise limits.contentBytes if content of this size is expected; above its maximum, ask the customer to split the content, for example by time interval.',
  },
  PAYLOAD_TOO_LARGE: {
    retry: 'permanent',
    advice:
      'The payload exceeds Temporal’s size limit: lower limits.batchMessages, or reduce the topic’s partitions or sources; then retry.',
  },
  STAGING_LOST: { retry: 'permanent', advice: 'No action needed: the run resumes from its last checkpoint.' },
  STAGING_FULL: {
    retry: 'transient',
    advice: 'Free disk space in the worker’s staging folder, or raise worker.stagingBytes.',
  },
  QUARANTINE_LIMIT: {
    retry: 'permanent',
    advice:
      'Correct the cause, then retry. Skip ignores the limit, not the records: invalid records go into quarantine.',
  },
  NOTHING_GOOD: {
    retry: 'permanent',
    advice:
      'No record is valid: check that this is the expected content, correct the cause, then retry. Skip publishes all of it: every record goes into quarantine.',
  },
  KAFKA_UNREACHABLE: {
    retry: 'transient',
    advice: 'Check that the Kafka brokers are up and reachable from the worker.',
  },
  KAFKA_REFUSED: {
    retry: 'permanent',
    advice: 'Check that the topic exists and that the worker has the Kafka ACLs it needs (docs/clusters.md).',
  },
  PUBLISH_FENCED: {
    retry: 'transient',
    advice:
      'Another attempt or run publishes the same records and fenced this producer; the retry finds what is already published.',
  },
  RANGE_STALLED: {
    retry: 'transient',
    advice:
      'Check whether another producer has an open transaction on the topic, which holds back its last stable offset.',
  },
  RANGE_GONE: {
    retry: 'permanent',
    advice:
      'The topic’s retention deleted records before they landed. Rebuild the table that the message names, then retry; if it names none, abort the run, and have the records published again.',
  },
  KAFKA_CODEC_MISSING: {
    retry: 'permanent',
    advice:
      'Start the worker with a Node.js version that supports this compression codec, then retry. Skip omits this one Kafka batch and records its offsets as skipped.',
  },
  KAFKA_BATCH_DAMAGED: {
    retry: 'transient',
    advice:
      'A Kafka batch failed its checksum: check the disk of the partition’s leader and the network to it.',
  },
  KAFKA_BATCH_UNREADABLE: {
    retry: 'permanent',
    advice:
      'If the batch is too large, raise limits.batchDecodedBytes, restart the workers and retry. If its message format is older than Kafka 0.11, copy the messages to a new topic with a Kafka consumer and producer, and ingest that topic. Skip omits this one Kafka batch and records its offsets as skipped.',
  },
  TOPIC_RESET: {
    retry: 'permanent',
    advice: 'The topic was deleted and created again; ingest it under a new topic name.',
  },
  OFFSETS_MOVED: {
    retry: 'permanent',
    advice: 'No action needed: another run landed part of the batch, so the batch is planned again.',
  },
  HDFS_UNREACHABLE: {
    retry: 'transient',
    advice: 'Check that the NameNode and the DataNodes are up and reachable from the worker.',
  },
  HDFS_REFUSED: {
    retry: 'permanent',
    advice: 'Check permissions, quota and safe mode in HDFS as the message says.',
  },
  HDFS_DAMAGED: {
    retry: 'transient',
    advice: 'The data in HDFS differs from what was written or logged; the step is retried.',
  },
  ...TABLE_CODES,
  TRANSFORM_FAILED: {
    retry: 'permanent',
    advice: 'This is a bug in the pipeline: report the message. Nothing landed.',
  },
  TEMPORAL_UNREACHABLE: {
    retry: 'transient',
    advice: 'Check that Temporal is up (npm run services -- status) and that temporal.address is right.',
  },
  TEMPORAL_REFUSED: {
    retry: 'permanent',
    advice:
      'Correct the namespace, the credentials or their permissions as the message says (docs/clusters.md).',
  },
  WORKER_MISSING: {
    retry: 'transient',
    advice: 'Start a worker with: npm run worker. The run is kept and resumes where it was.',
  },
  RUN_UNKNOWN: { retry: 'permanent', advice: 'List the runs with: pipeline list' },
  RUN_REFUSED: { retry: 'permanent', advice: 'See what the run waits for with: pipeline status RUN' },
  RUN_FAILED: {
    retry: 'permanent',
    advice: 'Open the run in the Temporal UI; correct the cause, then start another run.',
  },
  SCHEDULE_INVALID: { retry: 'permanent', advice: 'See: pipeline schedule --help' },
  SCHEDULE_UNKNOWN: {
    retry: 'permanent',
    advice: 'List the schedules with: pipeline schedule list; create one with: pipeline schedule set',
  },
  SCHEDULE_STALLED: {
    retry: 'transient',
    advice: 'See the schedule’s state with: pipeline schedule show SOURCE; then run the command again.',
  },
  QUERY_INVALID: {
    retry: 'permanent',
    advice: 'Correct the query; pipeline tables NAME shows the columns of a table or view.',
  },
  QUERY_REFUSED: {
    retry: 'permanent',
    advice:
      'A query may read only the tables and views. If you trust the query with everything that your user may do, give --trusted.',
  },
  QUARANTINE_UNKNOWN: {
    retry: 'permanent',
    advice: 'List what is in quarantine with: pipeline quarantine list',
  },
  REPORT_EMPTY: {
    retry: 'permanent',
    advice:
      'Ingest attempts first with: pipeline start SOURCE --follow; pipeline tables shows what has landed.',
  },
  OUTPUT_UNWRITABLE: {
    retry: 'permanent',
    advice: 'Check that the folder of --output is writable and has free space.',
  },
  FOLDER_NOT_OWN: {
    retry: 'permanent',
    advice:
      'The folder holds records and secrets, so it must belong to the user that runs this program: change its owner (chown), or name another folder.',
  },
  CACHE_UNUSABLE: {
    retry: 'permanent',
    advice:
      'Make the cache folder writable, or set the environment variable XDG_CACHE_HOME to another folder.',
  },
  TRANSFORM_MISMATCH: {
    retry: 'permanent',
    advice: 'This is a bug in the pipeline: report the message. Nothing landed.',
  },
  SERVICE_TOOL_MISSING: {
    retry: 'permanent',
    advice: 'Install the tool as the message says, then start the services again.',
  },
  SERVICE_INSTALL_FAILED: {
    retry: 'transient',
    advice: 'Read the log that the message names, then start the services again.',
  },
  SERVICE_PORT_TAKEN: {
    retry: 'permanent',
    advice: 'Stop the process that uses the port, or start with --free-ports.',
  },
  SERVICE_NOT_READY: { retry: 'transient', advice: 'Read the log that the message names.' },
  SERVICE_NOT_STOPPED: { retry: 'permanent', advice: 'Kill the process that the message names by hand.' },
  SERVICE_BUSY: { retry: 'transient', advice: 'Wait for the process that the message names, or stop it.' },
} as const satisfies Record<string, ErrorKind>;

/** A key of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
