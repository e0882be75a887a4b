import type { DecimalDigits, ScalarType } from './shape.ts';
import type { Address, Scanner } from './scanner.ts';

/** The size of a value in bytes by DuckDB type. */
const TYPES = {
  INTEGER: 4,
  BIGINT: 8,
  DOUBLE: 8,
  /** In units of the last decimal. */
  DECIMAL: 8,
  BOOLEAN: 1,
  /** Days since 1970. */
  DATE: 4,
  TIMESTAMPTZ: 8,
  /** An index into the column's strings. */
  VARCHAR: 4,
} as const;

/** The DuckDB type of a column. */
type ColumnType = keyof typeof TYPES;

/** The column type for each type of a field. */
export const COLUMN_TYPE_OF: Readonly<Record<ScalarType, ColumnType>> = {
  text: 'VARCHAR',
  integer: 'INTEGER',
  long: 'BIGINT',
  double: 'DOUBLE',
  decimal: 'DECIMAL',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
  epoch: 'TIMESTAMPTZ',
  'epoch-millis': 'TIMESTAMPTZ',
  'epoch-micros': 'TIMESTAMPTZ',
  json: 'VARCHAR',
};

/** A column of scanned values. Views of its memory are valid until the scan goes on. */
export class ScanColumn {
  /**
   * The path of its field, of the list or map whose lengths it has, or of the row set whose keys it has; for message
   * metadata, the name of the table's column.
   */
  readonly name: string;
  readonly role: 'field' | 'list' | 'key' | 'metadata';
  readonly type: ColumnType;
  /** Of a `DECIMAL`. */
  readonly digits: DecimalDigits | undefined;
  readonly address: Address;
  readonly #scanner: Scanner;
  readonly #level: Address;

  constructor(
    scanner: Scanner,
    level: Address,
    { name, role, type, digits }: Pick<ScanColumn, 'name' | 'role' | 'type' | 'digits'>,
  ) {
    this.name = name;
    this.digits = digits;
    this.role = role;
    this.type = type;
    this.address = scanner.exports.newColumn(level, TYPES[type], Number(type === 'VARCHAR'));
    this.#scanner = scanner;
    this.#level = level;
  }

  /** The number of non-null values. */
  get count(): number {
    return this.#scanner.exports.countValues(this.address);
  }

  /** The values in DuckDB's memory layout: indexes of strings, microseconds or days since 1970. */
  get values(): Uint8Array | Int32Array | BigInt64Array | Float64Array {
    const { exports, memory } = this.#scanner;
    const at = exports.valuesOf(this.address);
    const room = exports.roomOf(this.#level);
    if (this.type === 'BOOLEAN') return new Uint8Array(memory, at, room);
    if (this.type === 'DOUBLE') return new Float64Array(memory, at, room);
    return TYPES[this.type] === 8 ? new BigInt64Array(memory, at, room) : new Int32Array(memory, at, room);
  }

  /** The validity bitmap, one bit per row, least significant bit first. */
  get valid(): Uint8Array {
    const { exports, memory } = this.#scanner;
    return new Uint8Array(memory, exports.validOf(this.address), exports.roomOf(this.#level) / 8);
  }

  /** Its distinct strings, by index. */
  get texts(): Texts {
    return new Texts(this.#scanner, this.address);
  }

  /** Returns the index of a string, which is added if new. */
  addText(text: string): number {
    const bytes = Buffer.from(text, 'utf8');
    this.#scanner.put(bytes);
    return this.#scanner.exports.addText(this.address, bytes.length);
  }
}

/** The distinct strings of a column, numbered from 0 in order of appearance. */
class Texts {
  /** The number of strings. */
  readonly size: number;
  /** Whether one has the character U+0000, which not every consumer supports. */
  readonly hasZero: boolean;
  readonly #bytes: Uint8Array;
  readonly #starts: Int32Array;

  constructor({ exports, memory }: Scanner, column: Address) {
    this.size = exports.countTexts(column);
    this.hasZero = exports.hasZeroCharacter(column) === 1;
    this.#starts = new Int32Array(memory, exports.textStartsOf(column), this.size + 1);
    this.#bytes = new Uint8Array(memory, exports.textBytesOf(column), this.#starts[this.size]);
  }

  /** Returns a string in UTF-8 by its index. */
  bytesOf(number: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[number], this.#starts[number + 1]);
  }
}

/** How the rows of a level are told apart within their parent row: by index, by key, or not at all. */
export type RowRole = 'record' | 'item' | 'entry';

/** The rows of one level: the records, or the items of one of their lists or maps, in document order. */
export class RowSet {
  /** The path of its items, as `sequences.questions[]` or `extensions{}`; empty for the records, or the name of a kind. */
  readonly path: string;
  readonly role: RowRole;
  /** The level of the enclosing rows; undefined for the records. */
  readonly parent: RowSet | undefined;
  readonly columns: ScanColumn[] = [];
  readonly address: Address;
  readonly #scanner: Scanner;

  /** @param room The initial capacity in rows, a multiple of 64. */
  constructor(scanner: Scanner, role: RowRole, path: string, parent: RowSet | undefined, room: number) {
    this.role = role;
    this.path = path;
    this.parent = parent;
    this.address = scanner.exports.addLevel(room);
    this.#scanner = scanner;
  }

  /** The number of accepted rows. */
  get rows(): number {
    return this.#scanner.exports.countRows(this.address);
  }

  /** The capacity in rows. */
  get room(): number {
    return this.#scanner.exports.roomOf(this.address);
  }

  /** The index of each row's parent row. */
  get parentIndexes(): Int32Array {
    return new Int32Array(this.#scanner.memory, this.#scanner.exports.parentsOf(this.address), this.rows);
  }

  /** The index of each row in its list. */
  get positions(): Int32Array {
    return new Int32Array(this.#scanner.memory, this.#scanner.exports.positionsOf(this.address), this.rows);
  }

  /** The column of the keys of a map's entries. */
  get keys(): ScanColumn | undefined {
    return this.columns.find(({ role }) => role === 'key');
  }

  /** Adds a column. */
  column(name: string, role: ScanColumn['role'], type: ColumnType, digits?: DecimalDigits): ScanColumn {
    const column = new ScanColumn(this.#scanner, this.address, { name, role, type, digits });
    this.columns.push(column);
    return column;
  }
}
