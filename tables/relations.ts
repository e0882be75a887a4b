import { duckDbType, type Table } from './table.ts';

/**
 * Returns the DDL of an empty relation with a table's name and columns, after `source`, for tables whose rows are
 * inserted one by one: `quarantine`, `replays`, `runs` and `erasures`.
 */
export function createTableSql({ name, columns }: Pick<Table, 'name' | 'columns'>): string {
  const definitions = columns.map((column) => `"${column.name}" ${duckDbType(column.type)}`);
  return `CREATE TABLE "${name}" (source VARCHAR, ${definitions.join(', ')})`;
}

/**
 * Returns the name of the relation with the scanned rows of one level of a record: `record`, or the path of a list's
 * items, as `sequences.questions[]`. Its columns are `source`, the Kafka columns of the message, the item's index from 0
 * in each enclosing list, named by the list's path, and each field, named by its path. For a list inside, the field's
 * column has the number of its items.
 */
export function relationOf(path: string): string {
  return path === '' ? 'record' : path;
}
