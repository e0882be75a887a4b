import { readEntry } from '../../adapters/delta/history.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { Table } from '../../tables/table.ts';
import { rowsOf } from '../query/live-tables.ts';

/** What a table's log says of it; null where nobody has made the table yet, or its log does not say. */
export interface TableState {
  readonly name: string;
  readonly row: string;
  readonly rows: number | null;
  readonly files: number;
  readonly bytes: number;
  readonly version: number | null;
  readonly lastCommit: string | null;
}

/** What a snapshot of a table comes to. */
export async function tableStateOf(
  warehouse: Warehouse,
  { name, row }: Table,
  snapshot: Snapshot | undefined,
): Promise<TableState> {
  const nothing = { name, row, rows: 0, files: 0, bytes: 0, version: null, lastCommit: null };
  if (snapshot === undefined) return nothing;
  const files = [...snapshot.files.values()];
  const rows = files.map(rowsOf);
  const { path } = warehouse.table(name);
  const last = await readEntry(warehouse.options.hdfs, path, snapshot.version);
  const at = last?.info['timestamp'];
  return {
    ...nothing,
    rows: rows.reduce<number | null>((sum, one) => (sum === null || one === undefined ? null : sum + one), 0),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    version: snapshot.version,
    lastCommit: typeof at === 'number' ? new Date(at).toISOString() : null,
  };
}
