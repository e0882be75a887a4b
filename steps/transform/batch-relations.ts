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
 * Creates the relations that the tables' SELECTs read, from scanned attempts.
 * @param messages Returns the scanned messages, in the same order; called each time that they are read.
 */
export async function createRelations(
  connection: DuckDBConnection,
  scan: AttemptScan,
  topic: string,
  messages: () => Iterable<StagedMessage>,
): Promise<void> {
  const constants = { kafka_topic: topic };
  const { rows } = scan.attempts;
  const positionColumns = (attemptIndex?: Int32Array): RelationColumn[] =>
    scan.metadataColumns.map((column) => columnOf(column, rows, attemptIndex));
  const streamed: StreamedColumns = {
    columns: [
      { name: 'key', type: 'BLOB' },
      { name: 'payload', type: 'VARCHAR' },
    ],
    rows: () => acceptedMessages(scan, messages()),
  };
  const columns = [...positionColumns(), columnOf(scan.headers, rows)];
  await createRelation(connection, { name: 'messages', rows, constants, columns, streamed });
  for (const level of scan.levels) {
    const { positions, attemptIndex } = positionsOf(level);
    const own = level.columns
      .filter(({ role }) => role === 'field' || role === 'list')
      .map((column) => columnOf(column, level.rows));
    await createRelation(connection, {
      name: relationOf(level.path),
      rows: level.rows,
      constants,
      columns: [...positionColumns(attemptIndex), ...positions, ...own],
    });
  }
}

/** Yields the key and value of each message that the scan accepted. */
function* acceptedMessages(
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

/**
 * Returns columns with each row's index or key in its enclosing lists and maps, and the index of each row's attempt;
 * undefined for the attempts themselves.
 */
function positionsOf(level: RowSet): {
  positions: RelationColumn[];
  attemptIndex: Int32Array | undefined;
} {
  const positions: RelationColumn[] = [];
  let parents: Int32Array | undefined;
  for (let rows = level; rows.parent !== undefined; rows = rows.parent) {
    const own = positionOf(rows, level.rows, parents);
    if (own !== undefined) positions.unshift(own);
    parents =
      parents === undefined
        ? rows.parentIndexes.subarray(0, level.rows)
        : compose(parents, rows.parentIndexes);
  }
  return { positions, attemptIndex: parents };
}

/** Returns the column of the rows' indexes in a list, or their keys in a map. */
function positionOf(rows: RowSet, size: number, indexes?: Int32Array): RelationColumn | undefined {
  if (rows.keys !== undefined) return columnOf(rows.keys, size, indexes);
  if (rows.role === 'record') return undefined;
  return { name: rows.path, type: 'INTEGER', values: rows.positions, ...(indexes && { of: indexes }) };
}

/** Composes two parent-index arrays. */
function compose(parents: Int32Array, grandparents: Int32Array): Int32Array {
  const composed = new Int32Array(parents.length);
  for (let row = 0; row < parents.length; row += 1) composed[row] = grandparents[parents[row] ?? 0] ?? 0;
  return composed;
}

/**
 * Returns a scanned column as one of a relation.
 * @param rows The number of its rows.
 * @param indexes The row of the column for each row of the relation; if left out, they are the same.
 */
function columnOf(column: ScannedColumn, rows: number, indexes?: Int32Array): RelationColumn {
  return {
    name: column.name,
    type: column.type,
    values: column.values,
    ...(column.count < rows && { valid: column.valid }),
    ...(column.type === 'VARCHAR' && { texts: column.texts }),
    ...(column.digits && { scale: column.digits.scale }),
    ...(indexes && { of: indexes }),
  };
}
