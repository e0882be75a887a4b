import type { DuckDBConnection } from '@duckdb/node-api';
import {
  createRelation,
  type RelationColumn,
  type StreamedColumns,
} from '../../adapters/duckdb/relations.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { relationOf } from '../../tables/relations.ts';
import type { RowSet, ScanColumn as ScannedColumn } from '../../records/scan-columns.ts';
import type { AttemptScan } from '../../records/scan.ts';

/**
 * Makes the relations that the tables' SELECTs name, of what a scan took.
 * @param messages The messages that the scan was given, in the same order; for each time that they are read.
 */
export async function createRelations(
  connection: DuckDBConnection,
  scan: AttemptScan,
  topic: string,
  messages: () => Iterable<StagedMessage>,
): Promise<void> {
  const constants = { kafka_topic: topic };
  const { rows } = scan.attempts;
  const placesOf = (of?: Int32Array): RelationColumn[] =>
    scan.places.map((column) => rowsOf(column, rows, of));
  const streamed: StreamedColumns = {
    columns: [
      { name: 'key', type: 'BLOB' },
      { name: 'payload', type: 'VARCHAR' },
    ],
    rows: () => takenOf(scan, messages()),
  };
  const columns = [...placesOf(), rowsOf(scan.headers, rows)];
  await createRelation(connection, { name: 'messages', rows, constants, columns, streamed });
  for (const level of scan.levels) {
    const { positions, of } = positionsOf(level);
    const own = level.columns
      .filter((column) => column.of !== 'place')
      .map((column) => rowsOf(column, level.rows));
    await createRelation(connection, {
      name: relationOf(level.path),
      rows: level.rows,
      constants,
      columns: [...placesOf(of), ...positions, ...own],
    });
  }
}

/** The key and value of each message that the scan took. */
function* takenOf(
  { attempts: { rows }, partition: { values: partitions }, offset: { values: offsets } }: AttemptScan,
  messages: Iterable<StagedMessage>,
): Generator<readonly (Uint8Array | null)[]> {
  let row = 0;
  for (const { partition, offset, key, value } of messages) {
    if (row === rows) return;
    if (partition !== partitions[row] || offset !== offsets[row]) continue;
    yield [key, value];
    row += 1;
  }
}

/** Which item each row is of each of the lists that it is in; and the attempt that it is of. */
function positionsOf(level: RowSet): { positions: RelationColumn[]; of: Int32Array | undefined } {
  const positions: RelationColumn[] = [];
  let of: Int32Array | undefined;
  for (let at = level; at.above !== undefined; at = at.above) {
    positions.unshift({ name: at.path, type: 'INTEGER', values: at.positions, ...(of && { of }) });
    of = of === undefined ? at.of.subarray(0, level.rows) : joined(of, at.of);
  }
  return { positions, of };
}

/** What rows are of that are of rows that are of others. */
function joined(rows: Int32Array, of: Int32Array): Int32Array {
  const found = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at += 1) found[at] = of[rows[at] ?? 0] ?? 0;
  return found;
}

/**
 * A column's rows.
 * @param rows How many it has.
 * @param of Which of them to take; left out: each.
 */
function rowsOf(column: ScannedColumn, rows: number, of?: Int32Array): RelationColumn {
  return {
    name: column.name,
    type: column.type,
    values: column.values,
    ...(column.count < rows && { valid: column.valid }),
    ...(column.type === 'VARCHAR' && { texts: column.texts }),
    ...(of && { of }),
  };
}
