import { readEntry } from '../../adapters/delta/history.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { Table } from '../../tables/table.ts';
import { firstOffsetsIn } from '../../steps/landing/added-tables.ts';
import { rowCountOf } from '../query/live-tables.ts';

/** The state of a table according to its log; null for a table that does not exist yet, or that lacks statistics. */
export interface TableState {
  readonly name: string;
  readonly row: string;
  readonly rows: number | null;
  readonly files: number;
  readonly bytes: number;
  readonly version: number | null;
  readonly lastCommit: string | null;
  /** For a table that was added to the warehouse, the offset from which it has rows, by `topic/partition`; else empty. */
  readonly firstOffsets: Readonly<Record<string, string>>;
}

/** Summarizes a table's snapshot. */
export async function tableStateOf(
  warehouse: Warehouse,
  { name, row }: Table,
  snapshot: Snapshot | undefined,
): Promise<TableState> {
  const empty = { name, row, rows: 0, files: 0, bytes: 0, version: null, lastCommit: null, firstOffsets: {} };
  if (snapshot === undefined) return empty;
  const files = [...snapshot.files.values()];
  const rows = files.map(rowCountOf);
  const { path } = warehouse.table(name);
  const last = await readEntry(warehouse.options.hdfs, path, snapshot.version);
  const timestamp = last?.info['timestamp'];
  return {
    ...empty,
    rows: rows.reduce<number | null>(
      (sum, count) => (sum === null || count === undefined ? null : sum + count),
      0,
    ),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    version: snapshot.version,
    firstOffsets: Object.fromEntries(firstOffsetsIn(snapshot.txns)),
    lastCommit: typeof timestamp === 'number' ? new Date(timestamp).toISOString() : null,
  };
}
