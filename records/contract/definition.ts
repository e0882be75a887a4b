import type { ScalarType } from '../shape.ts';

/** A contract as its file defines it: what its records look like, and what the tables of their parts are called. Plain JSON. */
export interface ContractDefinition {
  readonly name: string;
  /** Major, minor and patch. */
  readonly version: string;
  /** The table of the records themselves. */
  readonly root: LevelDefinition;
  /** The field with the person whom a record is about; null if records name nobody. */
  readonly person: string | null;
  /** The fields of the record that identify it, in order; none if redeliveries can't be recognised. */
  readonly identity: readonly string[];
}

/** The records, or the items of one of their lists: the rows of one table. */
export interface LevelDefinition {
  readonly table: string;
  /** Describes one row, in the singular. */
  readonly row: string;
  /** One row in a word, as `question`. */
  readonly noun: string;
  readonly fields: readonly FieldDefinition[];
}

/** A field of an object. */
export type FieldDefinition = ScalarDefinition | ObjectDefinition | ListDefinition;

/** The type of a single value that a contract can have. */
export type ColumnScalarType = Exclude<ScalarType, 'decimal' | 'json'>;

/** A field with a single value, which is a column. */
export interface ScalarDefinition {
  readonly kind: 'scalar';
  readonly name: string;
  readonly required: boolean;
  readonly type: ColumnScalarType;
  readonly column: string;
  /** The description in the data dictionary; null if the contract has none. */
  readonly meaning: string | null;
}

/** A field with an object, whose fields are columns of the same table. */
export interface ObjectDefinition {
  readonly kind: 'object';
  readonly name: string;
  readonly required: boolean;
  readonly fields: readonly FieldDefinition[];
}

/** A field with an array of objects, which are rows of a table of their own. */
export interface ListDefinition {
  readonly kind: 'list';
  readonly name: string;
  readonly required: boolean;
  readonly items: LevelDefinition;
  /** The column of the enclosing row with the number of its items; null if there is none. */
  readonly countColumn: string | null;
}
