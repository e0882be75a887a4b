import type { DuckDBConnection } from '@duckdb/node-api';
import { createRelation, type Column, type ColumnRows } from '../adapters/duckdb-relations.ts';
import type { StagedMessage } from '../adapters/message-frames.ts';
import { hasBit, setBit } from '../model/bits.ts';
import { relationOf } from '../tables/relations.ts';
import type { AnyColumn } from '../tables/scan-columns.ts';
import type { AttemptScan, Level, PlaceColumn } from '../tables/scan.ts';
import { Texts } from '../tables/texts.ts';

const WORD_ROWS = 64;
const BITS = 8;

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
  const topics = new Texts();
  topics.numberOf(Buffer.from(topic, 'utf8'));
  const placed = (rows: number, of?: Int32Array): Column[] => [
    { name: 'kafka_topic', type: 'VARCHAR', values: new Int32Array(rows), texts: topics },
    ...scan.places.map(({ name, column }) => ({
      name,
      type: column.type,
      ...placesOf(column, scan.attempts.rows, of),
    })),
  ];
  const asTheyCame = {
    columns: [
      { name: 'key', type: 'BLOB' },
      { name: 'headers', type: 'VARCHAR' },
      { name: 'payload', type: 'VARCHAR' },
    ],
    rows: () => takenOf(scan, messages()),
  } as const;
  const { rows } = scan.attempts;
  await createRelation(connection, 'messages', rows, placed(rows), asTheyCame);
  for (const level of scan.levels) {
    const { positions, of } = positionsOf(level);
    const own = level.columns.filter((column) => column.of !== 'place');
    await createRelation(connection, relationOf(level.path), level.rows, [
      ...placed(level.rows, of),
      ...positions,
      ...own.map(({ name, column }) => ({ name, type: column.type, ...rowsOf(column, level.rows) })),
    ]);
  }
}

/** The key, headers and value of each message that the scan took. */
function* takenOf(
  { attempts, partition, offset }: AttemptScan,
  messages: Iterable<StagedMessage>,
): Generator<readonly (Uint8Array | null)[]> {
  let last = { text: '', bytes: Buffer.alloc(0) };
  let row = 0;
  for (const { headers, key, value, ...message } of messages) {
    if (row === attempts.rows) return;
    if (message.partition !== partition.values[row] || message.offset !== offset.values[row]) continue;
    // Most messages have the headers of the one before.
    if (headers !== last.text) last = { text: headers, bytes: Buffer.from(headers, 'utf8') };
    yield [key, last.bytes, value];
    row += 1;
  }
}

/** Which item each row is of each of the lists that it is in; and the attempt that it is of. */
function positionsOf(level: Level): { positions: Column[]; of: Int32Array | undefined } {
  const positions: Column[] = [];
  let of: Int32Array | undefined;
  for (let at = level; at.above !== undefined; at = at.above) {
    const values = of === undefined ? at.positions : picked(at.positions, of);
    positions.unshift({ name: at.path, type: 'INTEGER', values });
    of = of === undefined ? at.of.subarray(0, level.rows) : picked(at.of, of);
  }
  return { positions, of };
}

function rowsOf(column: AnyColumn, rows: number): ColumnRows {
  return {
    values: column.values,
    ...(column.count < rows && { valid: column.valid }),
    ...(column.type === 'VARCHAR' && { texts: column.texts }),
  };
}

/** Those of the attempts that rows are of; each of them, where that is left out. */
function placesOf(column: PlaceColumn['column'], attempts: number, of?: Int32Array): ColumnRows {
  const all = rowsOf(column, attempts);
  if (of === undefined) return all;
  const { values } = column;
  return {
    ...all,
    values: values instanceof BigInt64Array ? pickedWide(values, of) : picked(values, of),
    ...(all.valid && { valid: pickedBits(all.valid, of) }),
  };
}

function picked(values: Int32Array, of: Int32Array): Int32Array {
  const taken = new Int32Array(of.length);
  for (let at = 0; at < of.length; at += 1) taken[at] = values[of[at] ?? 0] ?? 0;
  return taken;
}

/** Half by half, which takes no BigInt. */
function pickedWide({ buffer }: BigInt64Array, of: Int32Array): BigInt64Array {
  const halves = new Int32Array(buffer);
  const taken = new Int32Array(2 * of.length);
  for (let at = 0; at < of.length; at += 1) {
    const from = 2 * (of[at] ?? 0);
    taken[2 * at] = halves[from] ?? 0;
    taken[2 * at + 1] = halves[from + 1] ?? 0;
  }
  return new BigInt64Array(taken.buffer);
}

function pickedBits(bits: Uint8Array, of: Int32Array): Uint8Array {
  const taken = new Uint8Array(Math.ceil(of.length / WORD_ROWS) * (WORD_ROWS / BITS));
  for (let at = 0; at < of.length; at += 1) if (hasBit(bits, of[at] ?? 0)) setBit(taken, at);
  return taken;
}
