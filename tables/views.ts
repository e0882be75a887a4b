import { VIEW_SUFFIX } from '../records/contract/names.ts';
import type { ContractTable } from './contract-tables.ts';

/** A view over the tables. */
export interface View {
  readonly name: string;
  /** Describes one row, in the singular. */
  readonly row: string;
  /** Its SELECT, in DuckDB's SQL. */
  readonly select: string;
}

/**
 * Returns the views of a contract: each record of a source once, as first delivered.
 * @param identity The columns that identify a record; without any there are no views.
 */
export function viewsOf(tables: readonly ContractTable[], identity: readonly string[]): View[] {
  if (identity.length === 0) return [];
  return tables.map((table) => viewOf(table, tables[0], identity));
}

function viewOf(table: ContractTable, root = table, identity: readonly string[]): View {
  const name = viewName(table);
  const { noun, parent } = table;
  if (parent === undefined) {
    const row = `one ${noun}, as it was first delivered`;
    return { name, row, select: selectFirstDeliveries(table, identity) };
  }
  const article = /^[aeiou]/.test(parent.noun) ? 'an' : 'a';
  return {
    name,
    row: `one ${noun} of such ${article} ${parent.noun}`,
    select: `
  SELECT child.* FROM ${quoted(table.name)} AS child
  JOIN ${quoted(viewName(root))} USING (kafka_topic, kafka_partition, kafka_offset)`,
  };
}

/** Quotes a name of a contract, which can be a word of SQL. */
function quoted(name: string): string {
  return `"${name}"`;
}

function viewName({ name }: ContractTable): string {
  return `${name}${VIEW_SUFFIX}`;
}

function selectFirstDeliveries({ name }: ContractTable, identity: readonly string[]): string {
  return `SELECT * EXCLUDE (delivery) FROM (
  SELECT *, row_number() OVER (
    PARTITION BY source, ${identity.map(quoted).join(', ')} ORDER BY published_at, kafka_topic, kafka_partition, kafka_offset
  ) AS delivery FROM ${quoted(name)}) WHERE delivery = 1`;
}
