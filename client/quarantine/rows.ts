import type { DuckDBConnection } from '@duckdb/node-api';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { TableCache, cacheFolderOf } from '../../adapters/delta/table-cache.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { Settings } from '../../model/settings.ts';
import { TABLES, deliveries, quarantine, replays } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { fetchTables, readSnapshots, withTables } from '../query/live-tables.ts';
import { openWarehouse } from '../cli/warehouse.ts';

/** The quarantine, opened for queries. */
export interface OpenQuarantine {
  readonly settings: Settings;
  readonly warehouse: Warehouse;
  /** Has the view `listed`: the rows of `quarantine` with their reference, size and replay, if any. */
  readonly connection: DuckDBConnection;
  /** The snapshot of `deliveries`, which has the landed offsets of the topics. */
  readonly deliveries: Snapshot | undefined;
}

/** A total order, newest first. */
export const NEWEST_FIRST =
  'came_at DESC, kafka_topic DESC, kafka_partition DESC, kafka_offset DESC, chunk DESC, chunk_position DESC';

/** The reverse of {@link NEWEST_FIRST}. */
export const OLDEST_FIRST = NEWEST_FIRST.replaceAll(' DESC', '');

/** `came_at` is the message's timestamp; an unpublished record has none, and gets the day of its run. */
const LISTED = `
  CREATE VIEW listed AS
    SELECT q.*, r.replayed_at, r.replay_partition, r.replay_offset, r.command
    FROM (
      SELECT *, coalesce(octet_length(payload), 0) AS size, coalesce(published_at, ingested_on::TIMESTAMPTZ) AS came_at,
        CASE WHEN kafka_offset IS NULL THEN concat(chunk, ':', chunk_position)
          ELSE concat(kafka_topic, '/', kafka_partition, '/', kafka_offset) END AS reference
      FROM quarantine
    ) AS q LEFT JOIN replays AS r ON r.replay_of = q.reference`;

/**
 * Opens the current version of quarantine and calls a function with it. Its files are cached on this machine, and DuckDB
 * streams them, so they can be of any size.
 */
export async function withQuarantine<T>(
  settings: Settings,
  use: (quarantine: OpenQuarantine) => Promise<T>,
): Promise<T> {
  const { hdfs } = settings;
  const warehouse = openWarehouse(settings);
  const snapshots = await readSnapshots(warehouse, [quarantine, replays, deliveries]);
  const cache = new TableCache(cacheFolderOf(hdfs.nameNodes, hdfs.warehouse), warehouse.options.hdfs);
  const needed = new Map<Table, Snapshot | undefined>(
    [quarantine, replays].map((table) => [table, snapshots.get(table)]),
  );
  const cached = await fetchTables(cache, warehouse, needed);
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  return withTables(tables, async (connection) => {
    await connection.run(LISTED);
    return use({ settings, warehouse, connection, deliveries: snapshots.get(deliveries) });
  });
}
