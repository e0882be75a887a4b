import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
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
/** Texts become an ENUM if each occurs in this many rows on average, which saves DuckDB from comparing them. */
const MIN_ROWS_PER_MEMBER = 4;

const TYPES = {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DOUBLE,
  INTEGER,
  TIMESTAMPTZ,
  VARCHAR,
} satisfies Record<string, DuckDBType>;

/** The digits of a DECIMAL with 64-bit values. */
const DECIMAL_DIGITS = 18;

/** A dictionary of texts, numbered from 0. */
export interface StringDictionary {
  readonly size: number;
  /** Whether a text contains U+0000, which an ENUM member cannot. */
  readonly hasZero: boolean;
  /** Returns a text's UTF-8 bytes. */
  readonly bytesOf: (number: number) => Uint8Array;
}

/** The rows of a column. */
export interface ColumnRows {
  /** The validity bitmap, least significant bit first; undefined if no row is null. */
  readonly valid?: Uint8Array;
  /**
   * The values in DuckDB's memory format: integers of 32 or 64 bits, 64-bit floats, a byte for a boolean, microseconds
   * since 1970 for a time, days since 1970 for a date, units of the last decimal for a decimal, and a dictionary index for
   * a text.
   */
  readonly values: Values;
  /** The dictionary of a text column. */
  readonly texts?: StringDictionary;
  /** For each row, the index into `values` and `valid`; undefined for the row's own number. */
  readonly of?: Int32Array;
}

type Values = Uint8Array | Uint16Array | Int32Array | BigInt64Array | Float64Array;

/** A column in memory. */
export interface RelationColumn extends ColumnRows {
  readonly name: string;
  readonly type: keyof typeof TYPES | 'DECIMAL';
  /** The decimals of a DECIMAL of 18 digits; default 0. */
  readonly scale?: number;
}

/** Columns of texts and blobs that each scan reads from an iterator. */
export interface StreamedColumns {
  readonly columns: readonly { readonly name: string; readonly type: 'VARCHAR' | 'BLOB' }[];
  /** Returns the rows in order: bytes or null per column. They are copied before the next row is read. */
  readonly rows: () => Iterable<readonly (Uint8Array | null)[]>;
}

/** The description of a relation. */
export interface Relation {
  readonly name: string;
  readonly rows: number;
  /** Columns with the same text in all rows. */
  readonly constants: Readonly<Record<string, string>>;
  readonly columns: readonly RelationColumn[];
  readonly streamed?: StreamedColumns;
}

/**
 * Creates a view over a table function, from which DuckDB pulls rows one chunk at a time. Inserting them into a table
 * would copy all of them.
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

/** The progress of a scan. */
interface Scan {
  from: number;
  readonly streamed: Rows | undefined;
}

type Rows = Iterator<readonly (Uint8Array | null)[]>;

/** Converts a text column to an ENUM if its texts repeat. */
function asMembers(
  { type: name, scale = 0, ...column }: RelationColumn,
  rows: number,
): ColumnRows & { readonly type: DuckDBType } {
  const type = name === 'DECIMAL' ? DECIMAL(DECIMAL_DIGITS, scale) : TYPES[name];
  const { texts, values, ...rest } = column;
  if (texts === undefined || texts.hasZero || texts.size * MIN_ROWS_PER_MEMBER > rows)
    return { ...column, type };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const members = ENUM(Array.from({ length: texts.size }, (_, at) => decoder.decode(texts.bytesOf(at))));
  const numbers = column.of === undefined ? values.subarray(0, rows) : values;
  return { ...rest, type: members, values: asNumbersOf(members.internalTypeId, numbers) };
}

/** Converts dictionary indexes to the integer width of the ENUM. */
function asNumbersOf(type: DuckDBTypeId, numbers: Values): Values {
  if (numbers instanceof BigInt64Array || numbers instanceof Float64Array)
    throw new TypeError('the numbers of texts have 32 bits');
  if (type === DuckDBTypeId.UTINYINT) return new Uint8Array(numbers);
  return type === DuckDBTypeId.USMALLINT ? new Uint16Array(numbers) : numbers;
}

function fill(vector: Vector, { values, texts, valid, of }: ColumnRows, from: number, rows: number): void {
  const which = of?.subarray(from, from + rows);
  const own = which === undefined ? values.subarray(from, from + rows) : gather(values, which);
  if (texts === undefined) {
    bindings.copy_data_to_vector(vector, 0, own.buffer as ArrayBuffer, own.byteOffset, own.byteLength);
  } else {
    for (let row = 0; row < rows; row += 1)
      bindings.vector_assign_string_element_len(vector, row, texts.bytesOf(Number(own[row])));
  }
  if (valid === undefined) return;
  setValid(vector, which === undefined ? valid.subarray(from / BITS) : gatherBits(valid, which), rows);
}

/** The shared output buffer of {@link gather}: one chunk. */
const GATHERED = new BigInt64Array(CHUNK_ROWS).buffer;

/** Gathers the values at some indexes. The result is valid until the next call. */
function gather(values: Values, indexes: Int32Array): Values {
  if (values instanceof BigInt64Array || values instanceof Float64Array) {
    // Copies 32-bit halves to avoid allocating BigInts.
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    const gathered = new Int32Array(GATHERED);
    for (let at = 0; at < indexes.length; at += 1) {
      const from = 2 * (indexes[at] ?? 0);
      gathered[2 * at] = halves[from] ?? 0;
      gathered[2 * at + 1] = halves[from + 1] ?? 0;
    }
    return new BigInt64Array(GATHERED, 0, indexes.length);
  }
  const gathered =
    values instanceof Int32Array
      ? new Int32Array(GATHERED, 0, indexes.length)
      : new (values instanceof Uint16Array ? Uint16Array : Uint8Array)(GATHERED, 0, indexes.length);
  for (let at = 0; at < indexes.length; at += 1) gathered[at] = values[indexes[at] ?? 0] ?? 0;
  return gathered;
}

function gatherBits(bits: Uint8Array, indexes: Int32Array): Uint8Array {
  const gathered = new Uint8Array(CHUNK_ROWS / BITS);
  for (let at = 0; at < indexes.length; at += 1) if (hasBit(bits, indexes[at] ?? 0)) setBit(gathered, at);
  return gathered;
}

/** Fills the streamed columns of a chunk, from column `first`, with the next rows. */
function stream(chunk: DataChunk, first: number, from: Rows, rows: number): void {
  const columns = bindings.data_chunk_get_column_count(chunk) - first;
  const filled = Array.from({ length: columns }, (_, at) => ({
    vector: bindings.data_chunk_get_vector(chunk, first + at),
    valid: new Uint8Array(CHUNK_ROWS / BITS).fill(0xff),
  }));
  for (let row = 0; row < rows; row += 1) {
    const next = from.next();
    if (next.done === true) throw new RangeError('the iterator has fewer rows than the relation');
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
