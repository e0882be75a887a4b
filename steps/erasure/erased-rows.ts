import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import type { Transactions } from '../landing/added-tables.ts';
import { erasedRangesIn, erasedRecordsIn, type ErasedRange } from './erased-offsets.ts';

/** The erased messages and records, as the transactions of `deliveries` record them. */
export class ErasedRows {
  readonly #ranges: readonly ErasedRange[];
  /** As `chunk:position`. */
  readonly #records: readonly string[];

  constructor(txns: Transactions) {
    this.#ranges = erasedRangesIn(txns);
    this.#records = erasedRecordsIn(txns);
  }

  /** Whether nothing was erased so far. */
  get isEmpty(): boolean {
    return this.#ranges.length === 0 && this.#records.length === 0;
  }

  /** Creates the relations that {@link erasedCondition} reads. */
  async createRelations(connection: DuckDBConnection): Promise<void> {
    await connection.run(
      `CREATE TABLE erased_messages (topic VARCHAR, partition INTEGER, "offset" BIGINT);
       CREATE TABLE erased_records (record VARCHAR)`,
    );
    const messages = await connection.createAppender('erased_messages');
    for (const { topic, partition, start, end } of this.#ranges)
      for (let offset = BigInt(start); offset < BigInt(end); offset += 1n) {
        messages.appendVarchar(topic);
        messages.appendInteger(partition);
        messages.appendBigInt(offset);
        messages.endRow();
      }
    messages.closeSync();
    const records = await connection.createAppender('erased_records');
    for (const record of this.#records) {
      records.appendVarchar(record);
      records.endRow();
    }
    records.closeSync();
  }

  /**
   * Returns whether a file can have rows of erased messages, by the statistics in its log entry.
   * @param stats Null or undefined if unknown.
   */
  mayBeIn(stats: string | null | undefined): boolean {
    const parsed = Bounds.safeParse(typeof stats === 'string' ? JSON.parse(stats) : undefined);
    if (!parsed.success) return true;
    const { minValues: min, maxValues: max, nullCount } = parsed.data;
    // Records that were rejected at publish have no offset.
    if (this.#records.length > 0 && nullCount.kafka_offset > 0) return true;
    return this.#ranges.some(
      ({ partition, start, end }) =>
        partition >= min.kafka_partition &&
        partition <= max.kafka_partition &&
        Number(start) <= max.kafka_offset &&
        Number(end) > min.kafka_offset,
    );
  }
}

const Position = z.object({ kafka_partition: z.int(), kafka_offset: z.int() });
const Bounds = z.object({
  minValues: Position,
  maxValues: Position,
  nullCount: z.object({ kafka_offset: z.int() }),
});

const MESSAGES = '(SELECT topic, partition, "offset" FROM erased_messages)';

/**
 * Returns the SQL condition of the rows to erase, false where a position is null; undefined if no row of such a table is of
 * a message.
 * @param columns The names of the file's columns.
 */
export function erasedCondition(columns: readonly string[]): string | undefined {
  const isErased = (...position: readonly string[]): string[] =>
    position.every((name) => columns.includes(name)) ? [`(${position.join(', ')}) IN ${MESSAGES}`] : [];
  const conditions = [
    ...isErased('kafka_topic', 'kafka_partition', 'kafka_offset'),
    ...isErased('kafka_topic', 'replay_partition', 'replay_offset'),
    ...(columns.includes('chunk_position')
      ? [`concat(chunk, ':', chunk_position) IN (SELECT record FROM erased_records)`]
      : []),
  ];
  return conditions.length === 0
    ? undefined
    : conditions.map((condition) => `coalesce(${condition}, false)`).join(' OR ');
}
