import type { ScalarType } from './attempt.ts';
import type { Address, Scanner } from './scanner.ts';

/** What a column holds: as DuckDB names it, and how many bytes a value has. */
const TYPES = {
  INTEGER: 4,
  BIGINT: 8,
  BOOLEAN: 1,
  TIMESTAMPTZ: 8,
  /** The number of a text. */
  VARCHAR: 4,
} as const;
type ColumnType = keyof typeof TYPES;

/** The type of a column that values of a type come into. */
export const COLUMN_TYPE_OF: Readonly<Record<ScalarType, ColumnType>> = {
  text: 'VARCHAR',
  integer: 'INTEGER',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  epoch: 'TIMESTAMPTZ',
};

/** A column of what a scan took; it is to be looked at once the scan is over. */
export class ScanColumn {
  /**
   * The path of the field that fills it; of a list, how many items it has. Or what the message says of its place, for
   * which the tables' columns are named.
   */
  readonly name: string;
  readonly of: 'field' | 'list' | 'place';
  readonly type: ColumnType;
  readonly address: Address;
  readonly #scanner: Scanner;
  readonly #level: Address;

  constructor(
    scanner: Scanner,
    level: Address,
    { name, of, type }: Pick<ScanColumn, 'name' | 'of' | 'type'>,
  ) {
    this.name = name;
    this.of = of;
    this.type = type;
    this.address = scanner.exports.newColumn(level, TYPES[type], Number(type === 'VARCHAR'));
    this.#scanner = scanner;
    this.#level = level;
  }

  /** How many values it has. */
  get count(): number {
    return this.#scanner.exports.countOf(this.address);
  }

  /** The values, as DuckDB has them in memory: of texts their numbers, of times microseconds since 1970. */
  get values(): Uint8Array | Int32Array | BigInt64Array {
    const { exports, memory } = this.#scanner;
    const at = exports.valuesOf(this.address);
    const room = exports.roomOf(this.#level);
    if (this.type === 'BOOLEAN') return new Uint8Array(memory, at, room);
    return TYPES[this.type] === 8 ? new BigInt64Array(memory, at, room) : new Int32Array(memory, at, room);
  }

  /** A bit for each row: whether it has a value. The lowest of a byte comes first. */
  get valid(): Uint8Array {
    const { exports, memory } = this.#scanner;
    return new Uint8Array(memory, exports.validOf(this.address), exports.roomOf(this.#level) / 8);
  }

  /** Its texts, by their numbers. */
  get texts(): Texts {
    return new Texts(this.#scanner, this.address);
  }

  /** The number of a text among its texts. */
  textNumber(text: string): number {
    const bytes = Buffer.from(text, 'utf8');
    this.#scanner.put(bytes);
    return this.#scanner.exports.textNumber(this.address, bytes.length);
  }
}

/** The different texts of a column, numbered from 0 as they first came. */
class Texts {
  /** How many there are. */
  readonly size: number;
  /** Whether one of them has the character U+0000, which not everything that takes texts can hold. */
  readonly hasZero: boolean;
  readonly #bytes: Uint8Array;
  readonly #starts: Int32Array;

  constructor({ exports, memory }: Scanner, column: Address) {
    this.size = exports.textsOf(column);
    this.hasZero = exports.hasZeroOf(column) === 1;
    this.#starts = new Int32Array(memory, exports.textStartsOf(column), this.size + 1);
    this.#bytes = new Uint8Array(memory, exports.textBytesOf(column), this.#starts[this.size]);
  }

  /** The text of a number, as UTF-8. */
  bytesOf(number: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[number], this.#starts[number + 1]);
  }
}

/** The attempts, or the items of one of their lists: a row each, in the order in which they stand. */
export class RowSet {
  /** The path of its items, as `sequences.questions[]`; empty for the attempts themselves. */
  readonly path: string;
  /** The level whose rows have the lists; undefined for the attempts themselves. */
  readonly above: RowSet | undefined;
  readonly columns: ScanColumn[] = [];
  readonly address: Address;
  readonly #scanner: Scanner;

  /** @param room How many rows it has room for at first, a multiple of 64. */
  constructor(scanner: Scanner, path: string, above: RowSet | undefined, room: number) {
    this.path = path;
    this.above = above;
    this.address = scanner.exports.level(room);
    this.#scanner = scanner;
  }

  /** Rows kept. */
  get rows(): number {
    return this.#scanner.exports.rowsOf(this.address);
  }

  /** How many rows it has room for. */
  get room(): number {
    return this.#scanner.exports.roomOf(this.address);
  }

  /** The row above that each row belongs to. */
  get of(): Int32Array {
    return new Int32Array(this.#scanner.memory, this.#scanner.exports.aboveOf(this.address), this.rows);
  }

  /** Which item of its list each row is, from 0. */
  get positions(): Int32Array {
    return new Int32Array(this.#scanner.memory, this.#scanner.exports.positionsOf(this.address), this.rows);
  }

  /** Adds a column. */
  column(name: string, of: ScanColumn['of'], type: ColumnType): ScanColumn {
    const column = new ScanColumn(this.#scanner, this.address, { name, of, type });
    this.columns.push(column);
    return column;
  }
}
