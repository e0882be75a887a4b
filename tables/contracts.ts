import type { ContractDefinition } from '../records/contract/definition.ts';
import { contractDefinitions, shapeOf } from '../records/contracts.ts';
import type { ObjectShape } from '../records/shape.ts';
import { tablesOf, type ContractTable } from './contract-tables.ts';
import { viewsOf, type View } from './views.ts';

/** The shape of the records of a kind, and the tables that they become. */
export interface Contract {
  readonly name: string;
  readonly version: string;
  readonly shape: ObjectShape;
  /** The table of the records. */
  readonly root: ContractTable;
  /** All tables, each after that of its enclosing rows, so that `root` is the first. */
  readonly tables: readonly ContractTable[];
  readonly views: readonly View[];
  /** The field of the record with the person whom it is about, which is the key of its message; null if there is none. */
  readonly person: string | null;
  /** The fields of the record that identify it; none if redeliveries can't be recognised. */
  readonly identity: readonly string[];
}

const CONTRACTS = contractDefinitions().map(contractOf);

/** Returns the contracts of the warehouse. */
export function contracts(): readonly Contract[] {
  return CONTRACTS;
}

/** Returns a contract with what is derived from its definition. */
export function contractOf(definition: ContractDefinition): Contract {
  const { name, version, person, identity } = definition;
  const tables = tablesOf(definition);
  const [root] = tables;
  if (root === undefined) throw new Error(`the contract ${name} has no table`);
  const views = viewsOf(
    tables,
    identity.map((field) => columnOfField(root, field)),
  );
  return { name, version, shape: shapeOf(definition), root, tables, views, person, identity };
}

/** Returns the name of the column that a field of the record fills. */
export function columnOfField({ name, columns }: ContractTable, field: string): string {
  const column = columns.find((one) => one.field === field);
  if (column === undefined) throw new Error(`no column of ${name} is filled by ${field}`);
  return column.name;
}
