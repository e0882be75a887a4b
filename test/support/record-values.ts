import type { FieldShape, ObjectShape, RecordShape, ScalarShape } from '../../records/shape.ts';
import type { AttemptScan } from '../../records/scan.ts';
import type { RowSet, ScanColumn } from '../../records/scan-columns.ts';
import { microsOfEpoch, microsOfTimestamp } from '../../records/times.ts';
import { readSource, type SourceValue } from './json-source.ts';

type Value = string | number | bigint | boolean;

/** A row: the index of its parent row, its index and its key in that, and the values of its columns by path. */
export interface Row {
  readonly parent: number;
  readonly position: number;
  readonly key: string | undefined;
  readonly values: Map<string, Value>;
}

/** The rows of each level that has any, by its path. */
export type RowsByPath = Record<string, Row[]>;

/** Rows and unknown fields of records. */
export interface RecordValues {
  readonly rows: RowsByPath;
  /** The number of unknown fields by path. */
  readonly unknown: Record<string, number>;
}

/** Returns the values of records, as a reader of its own finds them in their text; the check must accept them. */
export function recordValues(texts: readonly string[], shape: RecordShape): RecordValues {
  const reader = new ValueReader();
  for (const text of texts) reader.record(readSource(text.replace(/^\ufeff/, '')), shape);
  const unknown = Object.fromEntries([...reader.unknown].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { rows: reader.rows, unknown };
}

/** The row and the path of the object that contains a value. */
interface Place {
  readonly level: string;
  readonly row: number;
  readonly path: string;
}

class ValueReader {
  readonly rows: RowsByPath = {};
  readonly unknown = new Map<string, number>();

  record(record: SourceValue, shape: RecordShape): void {
    const row = this.#addRow('', 0, 0);
    if (shape.kind === 'object') {
      this.#object(record, shape, { level: '', row, path: '' });
      return;
    }
    const text = record.members?.find(([name]) => name === shape.field)?.[1].value;
    const kind = shape.kinds.find(({ values }) => values.includes(String(text)));
    if (kind === undefined) throw new TypeError(`the record has no kind: ${record.source}`);
    const level = shownName(kind.name, Infinity);
    this.#object(record, kind.shape, { level, row: this.#addRow(level, row, 0), path: level });
  }

  #addRow(level: string, parent: number, position: number, key?: string): number {
    return (this.rows[level] ??= []).push({ parent, position, key, values: new Map() }) - 1;
  }

  #set({ level, row, path }: Place, value: Value): void {
    const values = this.rows[level]?.[row]?.values;
    if (values === undefined) throw new RangeError(`there is no row ${row} of ${level}`);
    values.set(path, value);
  }

  #value(value: SourceValue, shape: FieldShape, place: Place): void {
    if (value.value === null) return;
    if (shape.kind === 'leaf') this.#set(place, scalarOf(value, shape));
    else if (shape.kind === 'object') this.#object(value, shape, place);
    else this.#items(value, shape, place);
  }

  #object(value: SourceValue, { fields, textField }: ObjectShape, place: Place): void {
    const members = value.members ?? [[textField ?? '', value] as const];
    for (const [name, member] of members) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const path = joined(place.path, shownName(name, field === undefined ? 100 : Infinity));
      if (field === undefined) this.unknown.set(path, (this.unknown.get(path) ?? 0) + 1);
      else this.#value(member, field, { ...place, path });
    }
  }

  #items({ items, members = [] }: SourceValue, { item }: { item: FieldShape }, place: Place): void {
    const entries = items?.map((value) => [undefined, value] as const) ?? members;
    const level = `${place.path}${items === undefined ? '{}' : '[]'}`;
    for (const [position, [key, value]] of entries.entries()) {
      const row = this.#addRow(level, place.row, position, key);
      const path = item.kind === 'object' ? level : `${level}.value`;
      this.#value(value, item, { level, row, path });
    }
    this.#set(place, entries.length);
  }
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function shownName(name: string, most: number): string {
  const short = name.length > most ? `${name.slice(0, most)}…` : name;
  return /^[\w-]+$/u.test(short) ? short : JSON.stringify(short);
}

function scalarOf({ source, value }: SourceValue, { type, digits }: ScalarShape): Value {
  const text = typeof value === 'string' ? value : source;
  switch (type) {
    case 'text':
      return text;
    case 'json':
      return source;
    case 'integer':
      return Number(text) + 0;
    case 'boolean':
      return text === 'true';
    case 'double':
      return Number(text);
    case 'long':
      return scaled(text, 0);
    case 'decimal':
      return scaled(text, digits?.scale ?? 0);
    case 'date':
      return Date.parse(text) / 86_400_000;
    case 'timestamp':
      return required(microsOfTimestamp(text), text);
    case 'epoch':
      return required(microsOfEpoch(value === undefined ? String(Number(text)) : text), text);
    case 'epoch-millis':
      return rounded(scaled(text, 6));
    case 'epoch-micros':
      return rounded(scaled(text, 3));
  }
}

function required(micros: bigint | undefined, text: string): bigint {
  if (micros === undefined) throw new TypeError(`${text} is no time`);
  return micros;
}

/** Returns a number times 10 to a power, which must be whole. */
function scaled(text: string, power: number): bigint {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([-+]?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  let size = BigInt(whole + fraction);
  const shift = Number(exponent) - fraction.length + power;
  if (size === 0n) return 0n;
  if (shift >= 0) size *= 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    if (size % divisor !== 0n) throw new RangeError(`${text} would be rounded`);
    size /= divisor;
  }
  return sign === '-' ? -size : size;
}

/** Returns thousands of a number, to the nearest, halves away from zero. */
function rounded(nanos: bigint): bigint {
  return nanos < 0n ? -rounded(-nanos) : (nanos + 500n) / 1000n;
}

/** Returns the rows and unknown fields in a scan. */
export function scannedValues(scan: AttemptScan): RecordValues {
  const levels = scan.levels.filter(({ rows }) => rows > 0);
  const { unknownFields } = scan.unknown.top(Infinity);
  return {
    rows: Object.fromEntries(levels.map((level) => [level.path, rowsOf(level)])),
    unknown: unknownFields,
  };
}

function rowsOf(level: RowSet): Row[] {
  const { parentIndexes, positions, keys } = level;
  const named = keys && valuesOf(keys, level.rows);
  const columns = level.columns
    .filter(({ role }) => role === 'field' || role === 'list')
    .map((column) => [column.name, valuesOf(column, level.rows)] as const);
  return Array.from({ length: level.rows }, (_, row) => {
    const present = columns.flatMap(([name, values]) => {
      const value = values[row];
      return value === undefined ? [] : [[name, value] as const];
    });
    const key = named?.[row]?.toString();
    return {
      parent: parentIndexes[row] ?? NaN,
      position: positions[row] ?? NaN,
      key,
      values: new Map(present),
    };
  });
}

/** Returns the value of each row; undefined for null. */
function valuesOf(column: ScanColumn, rows: number): (Value | undefined)[] {
  const { values, valid, type } = column;
  const texts = type === 'VARCHAR' ? column.texts : undefined;
  return Array.from({ length: rows }, (_, row) => {
    if (((valid[row >> 3] ?? 0) & (1 << (row & 7))) === 0) return undefined;
    const value = values[row] ?? NaN;
    if (texts !== undefined) return Buffer.from(texts.bytesOf(Number(value))).toString('utf8');
    return type === 'BOOLEAN' ? value === 1 : value;
  });
}
