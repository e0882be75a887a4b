import { DuckDBBlobValue, type DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { sqlText } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { toJson } from '../query/values.ts';
import { conditionOf, parseReference } from './reference.ts';
import { OLDEST_FIRST } from './rows.ts';

/** A row of quarantine that is to be published again. */
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

/** A row that is not published again, and why. */
export interface LeftRow {
  readonly reference: string;
  readonly why: string;
}

/** What was chosen, in numbers. */
export interface ChosenCounts {
  readonly due: number;
  /** Were published again before. */
  readonly before: number;
  /** Cannot be. */
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
 * Notes which rows are meant, in the order in which they came, and which of them cannot be published again. DuckDB
 * keeps them, on disk where they are many.
 */
export async function choose(
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
  const read = await connection.runAndReadAll(`
    SELECT count(*) FILTER (obstacle IS NULL AND replayed_at IS NULL) AS due,
      count(replayed_at) AS before,
      count(obstacle) FILTER (replayed_at IS NULL) AS obstructed FROM chosen`);
  return Counts.parse(read.convertRowObjects(toJson)[0]);
}

/**
 * The condition for rows that a person named.
 * @throws {PipelineError} QUARANTINE_UNKNOWN when one is not in quarantine, or can be several.
 */
export async function conditionOfAll(
  connection: DuckDBConnection,
  references: readonly string[],
): Promise<string> {
  const conditions = references.map((reference) => `(${conditionOf(parseReference(reference))})`);
  for (const [at, condition] of conditions.entries()) {
    const found = await connection.runAndReadAll(`SELECT reference FROM listed WHERE ${condition} LIMIT 2`);
    if (found.currentRowCount === 1) continue;
    const name = references[at] ?? '';
    throw new PipelineError(
      'QUARANTINE_UNKNOWN',
      found.currentRowCount === 0
        ? `${name} is not in quarantine`
        : `${name} can be several: give more of it`,
    );
  }
  return conditions.join(' OR ');
}

/** The rows that are due, so many at once at most, in order. */
export async function* dueRows(connection: DuckDBConnection, atOnce: number): AsyncGenerator<ChosenRow[]> {
  for (let after = 0n; ;) {
    const read = await connection.runAndReadAll(
      `SELECT nth, * EXCLUDE (nth) FROM chosen WHERE nth > $1 AND obstacle IS NULL AND replayed_at IS NULL
       ORDER BY nth LIMIT ${atOnce}`,
      [after],
    );
    const rows = read.getRowObjects();
    if (rows.length === 0) return;
    after = z.bigint().parse(rows.at(-1)?.['nth']);
    yield rows.map(rowOf);
  }
}

/** The first rows that are not published again, or that would be, with the reason. */
export async function leftRows(
  connection: DuckDBConnection,
  which: 'before' | 'obstructed',
  limit: number,
): Promise<LeftRow[]> {
  const [condition, why] =
    which === 'before'
      ? ['replayed_at IS NOT NULL', `concat(kafka_topic, '/', replay_partition, '/', replay_offset)`]
      : ['replayed_at IS NULL AND obstacle IS NOT NULL', 'obstacle'];
  const read = await connection.runAndReadAll(
    `SELECT reference, ${why} AS why FROM chosen WHERE ${condition} ORDER BY nth LIMIT ${limit}`,
  );
  return Left.parse(read.convertRowObjects(toJson));
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
