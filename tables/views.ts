/** A view over the tables. */
export interface View {
  readonly name: string;
  /** Describes one row, in the singular. */
  readonly row: string;
  /** Its SELECT, in DuckDB's SQL. */
  readonly select: string;
}

const FIRST_DELIVERY = `
  SELECT *, row_number() OVER (
    PARTITION BY source, keen_id ORDER BY published_at, kafka_topic, kafka_partition, kafka_offset
  ) AS delivery FROM attempts`;

/** Returns the SELECT of a table's rows of the first delivery of each attempt. */
function selectFirstDeliveries(table: string): string {
  return `
  SELECT child.* FROM ${table} AS child
  JOIN attempts_deduplicated AS attempt USING (kafka_topic, kafka_partition, kafka_offset)`;
}

/** The views: each attempt (`keen_id`) of a source once, as first delivered. */
export const VIEWS: readonly View[] = [
  {
    name: 'attempts_deduplicated',
    row: 'one attempt, as it was first delivered',
    select: `SELECT * EXCLUDE (delivery) FROM (${FIRST_DELIVERY}) WHERE delivery = 1`,
  },
  {
    name: 'questions_deduplicated',
    row: 'one question of such an attempt',
    select: selectFirstDeliveries('questions'),
  },
  {
    name: 'options_deduplicated',
    row: 'one option of such a question',
    select: selectFirstDeliveries('options'),
  },
];
