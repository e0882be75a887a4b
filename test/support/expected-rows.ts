/**
 * Computes the expected rows of an attempt with JavaScript's own JSON: it shares no code with the scan, the check or
 * DuckDB, and need not be fast.
 */
import { ATTEMPT } from './attempt-contract.ts';
import type { ScalarType, FieldShape } from '../../records/shape.ts';
import type { ColumnType, Table } from '../../tables/table.ts';

/** An item, its index in each of the arrays that contain it, and the fields of its path. */
interface Item {
  readonly value: unknown;
  readonly positions: readonly number[];
}

/** Returns the texts of a row's columns that come from the attempt, in order; null where there is no value. */
export function expectedRows(table: Table, payload: Buffer): (string | null)[][] {
  const columns = columnsOf(table);
  const lists = (columns.find(({ field }) => field !== undefined)?.field ?? '').split('[].').slice(0, -1);
  const text = payload.toString('utf8').replace(/^\ufeff/, '');
  let items: readonly Item[] = [{ value: JSON.parse(text), positions: [] }];
  for (const list of lists) {
    items = items.flatMap(({ value, positions }) =>
      (at(value, list) as unknown[]).map((item, place) => ({
        value: item,
        positions: [...positions, place],
      })),
    );
  }
  return items.map(({ value, positions }) =>
    columns.map(({ name, field }) => {
      if (field !== undefined) return textOf(at(value, field.split('[].').at(-1) ?? ''), leafType(field));
      if (name === 'question_position') return String(positions[0]);
      if (name === 'option_position') return String(positions[1]);
      if (name === 'option_count') return String((at(value, 'options') as unknown[]).length);
      throw new TypeError(`it is not known what ${table.name}.${name} should hold`);
    }),
  );
}

/** Returns the columns that come from the attempt, with the SQL that makes each such a text. */
export function columnsOf(table: Table): { name: string; field: string | undefined; sql: string }[] {
  return table.columns
    .filter(({ name }) => !name.startsWith('kafka_') && name !== 'published_at')
    .map(({ name, field, type }) => ({ name, field, sql: sqlOf(name, type) }));
}

function sqlOf(name: string, type: ColumnType): string {
  if (type === 'timestamp') return `epoch_us("${name}")::VARCHAR`;
  // As bytes: DuckDB's client drops a leading byte order mark of a text.
  return type === 'string' ? `hex(encode("${name}"))` : `"${name}"::VARCHAR`;
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (found, name) =>
        typeof found === 'object' && found !== null && Object.hasOwn(found, name)
          ? (found as Record<string, unknown>)[name]
          : undefined,
      value,
    );
}

function leafType(field: string): ScalarType {
  let shape: FieldShape = ATTEMPT;
  for (const name of field.split('.')) {
    if (shape.kind !== 'object') break;
    const member: FieldShape | undefined = shape.fields[name.replace('[]', '')];
    if (member === undefined) break;
    shape = member.kind === 'list' ? member.item : member;
  }
  if (shape.kind !== 'leaf') throw new TypeError(`${field} is no field with a single value`);
  return shape.type;
}

function textOf(value: unknown, type: ScalarType): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (type === 'integer') return String(Number(text) + 0);
  if (type === 'timestamp') return microsOfTime(text);
  if (type === 'epoch') return microsOfSeconds(text);
  return type === 'text' ? Buffer.from(text, 'utf8').toString('hex').toUpperCase() : text;
}

/** Rounds to the nearest integer; halves up. */
function microsOfTime(time: string): string {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? '';
  const nanoseconds = BigInt(fraction.padEnd(9, '0').slice(0, 9));
  const [, sign, hours = '00', minutes = '00'] = /([+-])(\d\d):?(\d\d)?$/.exec(time.slice(19)) ?? [];
  const zone = sign === undefined ? 'Z' : `${sign}${hours}:${minutes}`;
  const milliseconds = BigInt(Date.parse(`${time.slice(0, 10)}T${time.slice(11, 19)}${zone}`));
  return String(milliseconds * 1000n + (nanoseconds + 500n) / 1000n);
}

/** Rounds to the nearest integer; halves away from zero. */
function microsOfSeconds(seconds: string): string {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(seconds) ?? [];
  const micros = (BigInt(whole + fraction.padEnd(9, '0').slice(0, 9)) + 500n) / 1000n;
  return String(sign === '-' ? -micros : micros);
}
