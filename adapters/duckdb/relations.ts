import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DuckDBTableFunction,
  DuckDBTypeId,
  ENUM,
  INTEGER,
  TIMESTAMPTZ,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import bindings, { type DataChunk, type Vector } from '@duckdb/node-bindings';
import { clearBit, hasBit, setBit } from '../../lib/bits.ts';
import { sqlName, sqlText } from './database.ts';

const CHUNK_ROWS = bindings.vector_size();
const BITS = 8;
const WORD_ROWS = 64;
/** Texts come as members of an ENUM, where each stands in so many rows at least: DuckDB need not tell them apart then. */
const ROWS_OF_A_MEMBER = 4;

const TYPES = { BIGINT, BLOB, BOOLEAN, INTEGER, TIMESTAMPTZ, VARCHAR } satisfies Record<string, DuckDBType>;

/** Texts with numbers. */
export interface StringDictionary {
  readonly size: number;
  /** Whether one has the character U+0000, which an ENUM cannot have. */
  readonly hasZero: boolean;
  /** A text as UTF-8. */
  readonly bytesOf: (number: number) => Uint8Array;
}

/** The rows of a column. */
export interface ColumnRows {
  /** A bit for each row: whether it has a value, the lowest of a byte first. Left out where each row has one. */
  readonly valid?: Uint8Array;
  /**
   * The values as DuckDB has them in memory: integers of 32 or 64 bits, a byte for a boolean, microseconds since 1970
   * for a time, and for a text its number.
   */
  readonly values: Values;
  /** The texts that the values are the numbers of. */
  readonly texts?: StringDictionary;
  /** For each row which of the values and bits it has. Left out where it has its own. */
  readonly of?: Int32Array;
}

type Values = Uint8Array | Uint16Array | Int32Array | BigInt64Array;

/** A column that is in memory. */
export interface RelationColumn extends ColumnRows {
  readonly name: string;
  readonly type: keyof typeof TYPES;
}

/** Columns of texts and blobs that are read again for each scan, a row at a time. */
export interface StreamedColumns {
  readonly columns: readonly { readonly name: string; readonly type: 'VARCHAR' | 'BLOB' }[];
  /** The rows of a scan, in order: for each column its bytes, or null. They are copied before the next row is asked for. */
  readonly rows: () => Iterable<readonly (Uint8Array | null)[]>;
}

/** A relation to be made. */
export interface Relation {
  readonly name: string;
  readonly rows: number;
  /** Texts that all rows have the same, by column. */
  readonly constants: Readonly<Record<string, string>>;
  readonly columns: readonly RelationColumn[];
  readonly streamed?: StreamedColumns;
}

/**
 * Makes a relation. DuckDB asks for its rows as it reads them, a chunk at a time, and keeps none: to put them into a table
 * first would take time, and the memory of all of them.
 */
export async function createRelation(connection: DuckDBConnection, relation: Relation): Promise<void> {
  const { name, rows, constants, columns, streamed } = relation;
  const held = columns.map((column) => ({ name: column.name, ...asMembers(column, rows) }));
  const scan = DuckDBTableFunction.create({
    name,
    bindFunction: (info) => {
      for (const column of held) info.addResultColumn(column.name, column.type);
      for (const column of streamed?.columns ?? []) info.addResultColumn(column.name, TYPES[column.type]);
      info.setCardinality(rows, true);
    },
    initFunction: (info) => {
      info.setInitData({ from: 0, streamed: streamed?.rows()[Symbol.iterator]() } satisfies Scan);
    },
    mainFunction: (info, { chunk }) => {
      const at = info.initData as Scan;
      const size = Math.min(CHUNK_ROWS, rows - at.from);
      for (const [place, column] of held.entries())
        fill(bindings.data_chunk_get_vector(chunk, place), column, at.from, size);
      if (at.streamed !== undefined) stream(chunk, held.length, at.streamed, size);
      bindings.data_chunk_set_size(chunk, size);
      at.from += size;
    },
  });
  connection.registerTableFunction(scan);
  scan.destroySync();
  const fixed = Object.entries(constants).map(
    ([column, text]) => `${sqlText(text)}::ENUM(${sqlText(text)}) AS ${sqlName(column)}`,
  );
  await connection.run(
    `CREATE VIEW ${sqlName(name)} AS SELECT ${[...fixed, '*'].join(', ')} FROM ${sqlName(name)}()`,
  );
}

/** How far a scan has come. */
interface Scan {
  from: number;
  readonly streamed: Rows | undefined;
}

type Rows = Iterator<readonly (Uint8Array | null)[]>;

/** A column's texts as members of an ENUM, where they repeat. */
function asMembers(
  { type, ...column }: RelationColumn,
  rows: number,
): ColumnRows & { readonly type: DuckDBType } {
  const { texts, values, ...rest } = column;
  if (texts === undefined || texts.hasZero || texts.size * ROWS_OF_A_MEMBER > rows)
    return { ...column, type: TYPES[type] };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const members = ENUM(Array.from({ length: texts.size }, (_, at) => decoder.decode(texts.bytesOf(at))));
  const numbers = column.of === undefined ? values.subarray(0, rows) : values;
  return { ...rest, type: members, values: asNumbersOf(members.internalTypeId, numbers) };
}

/** The numbers of members, as wide as DuckDB has them. */
function asNumbersOf(type: DuckDBTypeId, numbers: Values): Values {
  if (numbers instanceof BigInt64Array) throw new TypeError('the numbers of texts have 32 bits');
  if (type === DuckDBTypeId.UTINYINT) return new Uint8Array(numbers);
  return type === DuckDBTypeId.USMALLINT ? new Uint16Array(numbers) : numbers;
}

function fill(vector: Vector, { values, texts, valid, of }: ColumnRows, from: number, rows: number): void {
  const which = of?.subarray(from, from + rows);
  const own = which === undefined ? values.subarray(from, from + rows) : picked(values, which);
  if (texts === undefined) {
    bindings.copy_data_to_vector(vector, 0, own.buffer as ArrayBuffer, own.byteOffset, own.byteLength);
  } else {
    for (let row = 0; row < rows; row += 1)
      bindings.vector_assign_string_element_len(vector, row, texts.bytesOf(Number(own[row])));
  }
  if (valid === undefined) return;
  setValid(vector, which === undefined ? valid.subarray(from / BITS) : pickedBits(valid, which), rows);
}

/** What values are picked into: those of a chunk, at most. */
const PICKED = new BigInt64Array(CHUNK_ROWS).buffer;

/** The values at some places. They are gone when others are picked. */
function picked(values: Values, places: Int32Array): Values {
  if (values instanceof BigInt64Array) {
    // Half by half, which takes no BigInt.
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    const taken = new Int32Array(PICKED);
    for (let at = 0; at < places.length; at += 1) {
      const from = 2 * (places[at] ?? 0);
      taken[2 * at] = halves[from] ?? 0;
      taken[2 * at + 1] = halves[from + 1] ?? 0;
    }
    return new BigInt64Array(PICKED, 0, places.length);
  }
  const taken =
    values instanceof Int32Array
      ? new Int32Array(PICKED, 0, places.length)
      : new (values instanceof Uint16Array ? Uint16Array : Uint8Array)(PICKED, 0, places.length);
  for (let at = 0; at < places.length; at += 1) taken[at] = values[places[at] ?? 0] ?? 0;
  return taken;
}

function pickedBits(bits: Uint8Array, places: Int32Array): Uint8Array {
  const taken = new Uint8Array(CHUNK_ROWS / BITS);
  for (let at = 0; at < places.length; at += 1) if (hasBit(bits, places[at] ?? 0)) setBit(taken, at);
  return taken;
}

/** Fills the columns of a chunk from one on with the rows that come next. */
function stream(chunk: DataChunk, first: number, from: Rows, rows: number): void {
  const columns = bindings.data_chunk_get_column_count(chunk) - first;
  const filled = Array.from({ length: columns }, (_, at) => ({
    vector: bindings.data_chunk_get_vector(chunk, first + at),
    valid: new Uint8Array(CHUNK_ROWS / BITS).fill(0xff),
  }));
  for (let row = 0; row < rows; row += 1) {
    const next = from.next();
    if (next.done === true) throw new RangeError('fewer rows came than there are');
    let at = 0;
    for (const { vector, valid } of filled) {
      const bytes = next.value[at] ?? null;
      if (bytes === null) clearBit(valid, row);
      else bindings.vector_assign_string_element_len(vector, row, bytes);
      at += 1;
    }
  }
  for (const { vector, valid } of filled) setValid(vector, valid, rows);
}

function setValid(vector: Vector, { buffer, byteOffset }: Uint8Array, rows: number): void {
  const bytes = Math.ceil(rows / WORD_ROWS) * (WORD_ROWS / BITS);
  bindings.vector_ensure_validity_writable(vector);
  bindings.copy_data_to_vector_validity(vector, 0, buffer as ArrayBuffer, byteOffset, bytes);
}
