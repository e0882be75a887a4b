import { DuckDBBlobValue, type DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlText } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { toJson } from '../query/values.ts';
import { conditionOf, parseReference } from './reference.ts';
import { OLDEST_FIRST } from './rows.ts';

/** A row of quarantine selected for replay. */
export interface ChosenRow {
  readonly reference: string;
  readonly source: string;
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: bigint | null;
  readonly chunk: string | null;
  readonly position: bigint | null;
  readonly headers: string | null;
  readonly key: Buffer | null;
  readonly payload: Buffer | null;
}

/** A row that is not replayed, and why. */
export interface LeftRow {
  readonly reference: string;
  readonly why: string;
}

/** The counts of the selected rows. */
export interface ChosenCounts {
  readonly due: number;
  /** Rows that were replayed before. */
  readonly before: number;
  /** Rows that cannot be replayed. */
  readonly obstructed: number;
}

const Counts = z.object({ due: z.number(), before: z.number(), obstructed: z.number() });
const Left = z.array(z.object({ reference: z.string(), why: z.string() }));

const Head = z.object({
  reference: z.string(),
  source: z.string(),
  kafka_topic: z.string(),
  kafka_partition: z.number().nullable(),
  kafka_offset: z.bigint().nullable(),
  chunk: z.string().nullable(),
  chunk_position: z.bigint().nullable(),
  headers: z.string().nullable(),
  key: z.instanceof(DuckDBBlobValue).nullable(),
  payload: z.instanceof(DuckDBBlobValue).nullable(),
});

/**
 * Selects rows into the table `chosen`, oldest first, with the reason for those that cannot be replayed. DuckDB spills
 * the table to disk if it is large.
 */
export async function chooseRows(
  connection: DuckDBConnection,
  { limits, sources }: Settings,
  condition: string,
): Promise<ChosenCounts> {
  const topics = [...new Set(Object.values(sources).map(({ topic }) => sqlText(topic)))];
  const { recordBytes } = limits;
  await connection.run(`
    CREATE TABLE chosen AS
      SELECT row_number() OVER (ORDER BY ${OLDEST_FIRST}) AS nth, *
      FROM (
        SELECT * EXCLUDE (payload), if(size > ${recordBytes}, NULL, payload) AS payload,
          CASE WHEN size > ${recordBytes}
              THEN concat('it has ', size, ' bytes, more than the ${recordBytes} of limits.recordBytes')
            WHEN kafka_topic NOT IN (${topics.join(', ')})
              THEN concat('no source of pipeline.yaml has the topic ', kafka_topic) END AS obstacle
        FROM listed WHERE ${condition}
      )`);
  const result = await connection.runAndReadAll(`
    SELECT count(*) FILTER (obstacle IS NULL AND replayed_at IS NULL) AS due,
      count(replayed_at) AS before,
      count(obstacle) FILTER (replayed_at IS NULL) AS obstructed FROM chosen`);
  return Counts.parse(result.convertRowObjects(toJson)[0]);
}

/**
 * Returns the SQL condition for references.
 * @throws {PipelineError} QUARANTINE_UNKNOWN if one is not in quarantine, or is ambiguous.
 */
export async function conditionOfAll(
  connection: DuckDBConnection,
  references: readonly string[],
): Promise<string> {
  const conditions = references.map((reference) => `(${conditionOf(parseReference(reference))})`);
  for (const [index, condition] of conditions.entries()) {
    const found = await connection.runAndReadAll(`SELECT reference FROM listed WHERE ${condition} LIMIT 2`);
    if (found.currentRowCount === 1) continue;
    const name = references[index] ?? '';
    throw new PipelineError(
      'QUARANTINE_UNKNOWN',
      found.currentRowCount === 0
        ? `${name} is not in quarantine`
        : `${name} is ambiguous: give more digits of the SHA-256`,
    );
  }
  return conditions.join(' OR ');
}

/** Yields the rows to replay in order, in groups of at most `groupSize`. */
export async function* readDueRows(
  connection: DuckDBConnection,
  groupSize: number,
): AsyncGenerator<ChosenRow[]> {
  for (let after = 0n; ;) {
    const result = await connection.runAndReadAll(
      `SELECT nth, * EXCLUDE (nth) FROM chosen WHERE nth > $1 AND obstacle IS NULL AND replayed_at IS NULL
       ORDER BY nth LIMIT ${groupSize}`,
      [after],
    );
    const rows = result.getRowObjects();
    if (rows.length === 0) return;
    after = z.bigint().parse(rows.at(-1)?.['nth']);
    yield rows.map(rowOf);
  }
}

/** Returns the first rows that are not replayed, with the reason; for rows replayed before, their new position. */
export async function listUnreplayedRows(
  connection: DuckDBConnection,
  which: 'before' | 'obstructed',
  limit: number,
): Promise<LeftRow[]> {
  const [condition, why] =
    which === 'before'
      ? ['replayed_at IS NOT NULL', `concat(kafka_topic, '/', replay_partition, '/', replay_offset)`]
      : ['replayed_at IS NULL AND obstacle IS NOT NULL', 'obstacle'];
  const result = await connection.runAndReadAll(
    `SELECT reference, ${why} AS why FROM chosen WHERE ${condition} ORDER BY nth LIMIT ${limit}`,
  );
  return Left.parse(result.convertRowObjects(toJson));
}

function rowOf(row: unknown): ChosenRow {
  const head = Head.parse(row);
  return {
    reference: head.reference,
    source: head.source,
    topic: head.kafka_topic,
    partition: head.kafka_partition,
    offset: head.kafka_offset,
    chunk: head.chunk,
    position: head.chunk_position,
    headers: head.headers,
    key: bytesOf(head.key),
    payload: bytesOf(head.payload),
  };
}

function bytesOf(blob: DuckDBBlobValue | null): Buffer | null {
  return blob === null ? null : Buffer.from(blob.bytes);
}
