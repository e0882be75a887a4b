import {
  DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBResult,
  type DuckDBValue,
} from '@duckdb/node-api';
import { sqlFile } from '../../adapters/duckdb/database.ts';
import { PipelineError } from '../../model/errors.ts';

/** A row of `deliveries`, as far as tables are derived from it. */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970; undefined if the message has no timestamp. */
  readonly publishedMs: number | undefined;
  readonly payload: Buffer;
}

/** Reads rows of `deliveries` in order; {@link peek} returns the next row without consuming it. */
export class DeliveryReader {
  readonly #result: DuckDBResult;
  #rows: readonly (readonly DuckDBValue[])[] = [];
  #next = 0;

  private constructor(result: DuckDBResult) {
    this.#result = result;
  }

  /**
   * Opens data files of `deliveries`, in the order in which they are given.
   * @param files Absolute paths.
   */
  static async open(connection: DuckDBConnection, files: readonly string[]): Promise<DeliveryReader> {
    const list = files.map(sqlFile).join(', ');
    // Of texts, the bytes: the client drops a byte order mark.
    const result = await connection.stream(
      `SELECT kafka_topic, kafka_partition::INTEGER, kafka_offset::BIGINT, epoch_ms(published_at::TIMESTAMPTZ),
         encode(payload)
       FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false)`,
    );
    return new DeliveryReader(result);
  }

  /** Returns the next row without reading past it; undefined at the end. */
  async peek(): Promise<Delivery | undefined> {
    while (this.#next === this.#rows.length) {
      const chunk = await this.#result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return undefined;
      this.#rows = chunk.getRows();
      this.#next = 0;
    }
    return deliveryOf(this.#rows[this.#next] ?? []);
  }

  /** Reads past the row that {@link peek} returned. */
  skip(): void {
    this.#next += 1;
  }
}

function deliveryOf([topic, partition, offset, publishedMs, payload]: readonly DuckDBValue[]): Delivery {
  const isWhole =
    typeof topic === 'string' &&
    typeof partition === 'number' &&
    typeof offset === 'bigint' &&
    payload instanceof DuckDBBlobValue;
  if (!isWhole)
    throw new PipelineError('HDFS_DAMAGED', 'a row of deliveries has no topic, partition, offset or payload');
  const { buffer, byteOffset, byteLength } = payload.bytes;
  return {
    topic,
    partition,
    offset,
    publishedMs: typeof publishedMs === 'bigint' ? Number(publishedMs) : undefined,
    payload: Buffer.from(buffer, byteOffset, byteLength),
  };
}
