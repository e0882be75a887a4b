import type { FieldShape, ObjectShape } from '../../records/shape.ts';
import type { AttemptScan } from '../../records/scan.ts';
import type { ScanColumn } from '../../records/scan-columns.ts';
import { microsOfEpoch, microsOfTimestamp } from '../../records/times.ts';

/** The non-null values of each field in document order, by its path with `[]` for list indexes. */
export type ValuesByPath = Record<string, (string | number | bigint | boolean)[]>;

/** Returns the values of a record as JavaScript's own JSON reads them; the check must accept the record. */
export function recordValues(record: unknown, shape: ObjectShape): ValuesByPath {
  const values: ValuesByPath = {};
  addValues(record, shape, '', values);
  return values;
}

function addValues(value: unknown, shape: FieldShape, path: string, values: ValuesByPath): void {
  if (value === null || value === undefined) return;
  if (shape.kind === 'leaf') (values[path] ??= []).push(scalarOf(value, shape.type));
  else if (shape.kind === 'list')
    for (const item of value as readonly unknown[]) addValues(item, shape.item, `${path}[]`, values);
  else
    for (const [name, field] of Object.entries(shape.fields))
      addValues(memberOf(value, name), field, path === '' ? name : `${path}.${name}`, values);
}

function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function scalarOf(value: unknown, type: string): string | number | bigint | boolean {
  const text = String(value);
  if (type === 'integer') return Number(text) + 0;
  if (type === 'boolean') return text === 'true';
  const micros =
    type === 'timestamp' ? microsOfTimestamp(text) : type === 'epoch' ? microsOfEpoch(text) : text;
  if (micros === undefined) throw new TypeError(`${text} is no ${type}`);
  return micros;
}

/** Returns the number of unknown fields of a record by path, as JavaScript's own JSON reads it. */
export function unknownFieldsOf(record: unknown, shape: ObjectShape): Record<string, number> {
  const counts = new Map<string, number>();
  addUnknown(record, shape, '', counts);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function addUnknown(value: unknown, shape: FieldShape, path: string, counts: Map<string, number>): void {
  if (value === null || value === undefined || shape.kind === 'leaf') return;
  if (shape.kind === 'list') {
    for (const item of value as readonly unknown[]) addUnknown(item, shape.item, `${path}[]`, counts);
    return;
  }
  const prefix = path === '' ? '' : `${path}.`;
  for (const [name, member] of Object.entries(value)) {
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (field === undefined) addOne(counts, `${prefix}${shownName(name)}`);
    else addUnknown(member, field, `${prefix}${name}`, counts);
  }
}

function addOne(counts: Map<string, number>, path: string): void {
  counts.set(path, (counts.get(path) ?? 0) + 1);
}

function shownName(name: string): string {
  const short = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return /^[\w-]+$/u.test(short) ? short : JSON.stringify(short);
}

/** Returns the values in a scan's columns. */
export function scannedValues(scan: AttemptScan): ValuesByPath {
  const values: ValuesByPath = {};
  for (const { columns, rows } of scan.levels)
    for (const column of columns)
      if (column.role === 'field' && column.count > 0) values[column.name] = nonNull(column, rows);
  return values;
}

function nonNull(column: ScanColumn, rows: number): (string | number | bigint | boolean)[] {
  const { values, valid, type } = column;
  const texts = type === 'VARCHAR' ? column.texts : undefined;
  const found: (string | number | bigint | boolean)[] = [];
  for (let row = 0; row < rows; row += 1) {
    if (((valid[row >> 3] ?? 0) & (1 << (row & 7))) === 0) continue;
    const value = values[row] ?? NaN;
    if (texts !== undefined) found.push(Buffer.from(texts.bytesOf(Number(value))).toString('utf8'));
    else found.push(type === 'BOOLEAN' ? value === 1 : value);
  }
  return found;
}
