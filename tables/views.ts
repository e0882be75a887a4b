/** A view over the tables, for whoever asks. */
export interface View {
  readonly name: string;
  /** What a row is. */
  readonly row: string;
  /** Its SELECT, in the SQL of DuckDB. */
  readonly select: string;
}

const FIRST_DELIVERY = `
  SELECT *, row_number() OVER (
    PARTITION BY source, keen_id ORDER BY published_at, kafka_topic, kafka_partition, kafka_offset
  ) AS delivery FROM attempts`;

/** The rows of a table that belong to the first delivery of their attempt. */
function ofFirstDelivery(table: string): string {
  return `
  SELECT child.* FROM ${table} AS child
  JOIN attempts_deduplicated AS attempt USING (kafka_topic, kafka_partition, kafka_offset)`;
}

/** The views: each attempt once, the first delivery of its keen_id. */
export const VIEWS: readonly View[] = [
  {
    name: 'attempts_deduplicated',
    row: 'one attempt, as it was first delivered',
    select: `SELECT * EXCLUDE (delivery) FROM (${FIRST_DELIVERY}) WHERE delivery = 1`,
  },
  {
    name: 'questions_deduplicated',
    row: 'one question of such an attempt',
    select: ofFirstDelivery('questions'),
  },
  { name: 'options_deduplicated', row: 'one option of such a question', select: ofFirstDelivery('options') },
];
