import { STEPS } from '../../model/step.ts';

/**
 * The columns that data scientists rely on, with their types as Delta names them: repeated here so that a table
 * cannot change them unnoticed.
 */
const MESSAGE = 'kafka_topic string, kafka_partition integer, kafka_offset long, published_at timestamp';
const PARTITION = 'source string, ingested_on date';
const STEP = STEPS.map(
  (step) =>
    `${step}_records_in long, ${step}_records_out long, ${step}_quarantined long, ${step}_bytes long, ${step}_seconds double`,
).join(', ');

const TABLES: Readonly<Record<string, string>> = {
  attempts: `${MESSAGE}, keen_id string, keen_created_at timestamp, keen_timestamp timestamp, started_at timestamp,
    base_exam_id string, user_exam_id string, exam_name string, certification boolean, max_attempts integer,
    sequence_id string, attempt integer, total integer, correct integer, incorrect integer, incomplete integer,
    submitted integer, unanswered integer, all_correct boolean`,
  questions: `${MESSAGE}, question_position integer, question_id string, user_correct boolean,
    user_incomplete boolean, user_result string, user_submitted boolean, option_count integer`,
  options: `${MESSAGE}, question_position integer, option_position integer, option_id string, checked boolean,
    correct boolean, submitted integer, at timestamp`,
  deliveries: `${MESSAGE}, key binary, headers string, payload string`,
  quarantine: `${MESSAGE}, step string, chunk string, chunk_position long, path string, reason string,
    key binary, headers string, payload binary`,
  replays: `kafka_topic string, kafka_partition integer, kafka_offset long, chunk string, chunk_position long,
    replay_of string, replay_partition integer, replay_offset long, replayed_at timestamp, command string`,
  runs: `workflow_id string, run_id string, kafka_topic string, outcome string, started_at timestamp,
    finished_at timestamp, interval_from string, interval_to string, content_sha256 string, content_bytes long,
    content_records long, batches long, gaps long, offsets string, skipped string, skipped_count long, decisions string,
    decision_count long, unknown_fields string, other_unknown_fields long, ${STEP},
    erased long`,
  erasures: `workflow_id string, run_id string, number long, requested_by string, reason string, started_at timestamp,
    finished_at timestamp, persons long, messages long, records long, tables string, kafka_topic string,
    kafka_until timestamp`,
};

/** A table's columns by name, the partition columns last. */
export type Columns = Readonly<Record<string, string>>;

const PARTITION_COLUMNS = parse(PARTITION);

/** Each table's columns, by the table's name. */
export const COLUMNS: Readonly<Record<string, Columns>> = Object.fromEntries(
  Object.entries(TABLES).map(([table, columns]) => [table, parse(`${columns}, ${PARTITION}`)]),
);

const ARROW: Columns = {
  string: 'string',
  long: 'int64',
  integer: 'int32',
  boolean: 'bool',
  timestamp: 'timestamp[us, tz=UTC]',
  binary: 'binary',
  double: 'double',
  date: 'date32[day]',
};

/** The same columns with their types in Arrow's words. */
export function inArrow(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, ARROW[type] ?? type]));
}

/** The columns that a data file has itself: its folder's name gives the others. */
export function inDataFile(columns: Columns): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !(name in PARTITION_COLUMNS)));
}

function parse(columns: string): Columns {
  return Object.fromEntries(
    columns.split(/,\s+/).map((column) => {
      const [name = '', type = ''] = column.split(' ');
      return [name, type] as const;
    }),
  );
}
