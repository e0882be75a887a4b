/**
 * The relations that the tables' SELECTs name. Those of a level of the attempt's shape, the attempts themselves and the
 * items of each of their lists, are made of what the scan took; see {@link relationOf}.
 */

/** What does not become rows, still empty. */
export const QUARANTINED = `CREATE TABLE quarantined (
  source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ, key BLOB, headers VARCHAR, payload BLOB,
  step VARCHAR, chunk VARCHAR, chunk_position BIGINT, path VARCHAR, reason VARCHAR)`;

/**
 * The relation of a level: `attempt`, or the path of a list's items, as `sequences.questions[]`. It has the columns
 * `source`, `kafka_topic` and the others that say where the message stands; for each list that its rows are in a column
 * named after the list's items, which says which one of them it is, from 0; and for each field a column that is named by
 * its path. Of a list it holds how many items it has.
 */
export function relationOf(path: string): string {
  return path === '' ? 'attempt' : path;
}
