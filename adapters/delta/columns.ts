import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import type { Metadata } from './actions.ts';

/** A schema in Delta's JSON (PROTOCOL.md, "Schema Serialization Format"); members that are not named here are kept. */
const Schema = z.looseObject({
  fields: z.array(z.looseObject({ name: z.string(), type: z.unknown(), nullable: z.boolean().optional() })),
});

type Field = z.infer<typeof Schema>['fields'][number];

/** The metadata of a table to which columns are added. */
export interface AddedColumns {
  /** The existing metadata with the new columns after the existing ones. */
  readonly metadata: Metadata;
  /** The names of the new columns, in order. */
  readonly added: readonly string[];
}

/**
 * Adds the required columns that a table lacks. Readers ignore columns of a file that are not in the table's schema, so
 * their values would be lost silently. Files that were written before a column was added have null in it. The existing
 * fields, the id, and all other members of the metadata are kept.
 * @param table The table's folder, for errors.
 * @returns undefined if no column is missing.
 * @throws {PipelineError} TABLE_OTHER_COLUMNS, naming the partition columns if they differ, or the first column that has
 * another type or cannot be added: it is not nullable, or its name differs from an existing one in upper and lower case
 * only.
 */
export function addMissingColumns(
  table: string,
  existing: Metadata,
  required: Metadata,
): AddedColumns | undefined {
  requirePartitions(table, existing, required);
  const schema = schemaOf(existing);
  const fields = new Map(schema.fields.map((field) => [field.name.toLowerCase(), field]));
  const missing = schemaOf(required).fields.filter((field) => {
    const found = fields.get(field.name.toLowerCase());
    if (found === undefined) requireNullable(table, field);
    else requireSame(table, found, field);
    return found === undefined;
  });
  if (missing.length === 0) return undefined;
  const schemaString = JSON.stringify({ ...schema, fields: [...schema.fields, ...missing] });
  return { metadata: { ...existing, schemaString }, added: missing.map(({ name }) => name) };
}

/** The metadata of a table whose files are all rewritten. */
export interface RewrittenColumns {
  readonly metadata: Metadata;
  /** Whether files that were written with the existing metadata cannot be read with the new one. */
  readonly isReplaced: boolean;
}

/**
 * Returns the metadata with which all files of a table can be rewritten: the existing one, with the columns that it
 * lacks; where columns have other types or the partitions differ, with the required columns and partitions alone. Other
 * members of the metadata are kept.
 * @param table The table's folder, for errors.
 * @returns undefined if the existing metadata is right.
 */
export function rewriteColumns(
  table: string,
  existing: Metadata,
  required: Metadata,
): RewrittenColumns | undefined {
  try {
    const added = addMissingColumns(table, existing, required);
    return added && { metadata: added.metadata, isReplaced: false };
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'TABLE_OTHER_COLUMNS') throw error;
    const { schemaString, partitionColumns } = required;
    return { metadata: { ...existing, schemaString, partitionColumns }, isReplaced: true };
  }
}

function requirePartitions(table: string, existing: Metadata, required: Metadata): void {
  const [actual, expected] = [existing, required].map(({ partitionColumns }) =>
    JSON.stringify(partitionColumns),
  );
  if (actual !== expected) throw otherColumns(table, `is partitioned by ${actual}, not by ${expected}`);
}

function requireNullable(table: string, { name, nullable }: Field): void {
  if (nullable !== true)
    throw otherColumns(table, `has no column ${name}, which cannot be added since it is not nullable`);
}

/** Delta's readers compare names without regard to upper and lower case; two such columns would be ambiguous. */
function requireSame(table: string, found: Field, { name, type }: Field): void {
  if (found.name !== name) throw otherColumns(table, `has the column ${found.name}, not ${name}`);
  const [actual, expected] = [found.type, type].map((one) => JSON.stringify(one));
  if (actual !== expected)
    throw otherColumns(table, `has the column ${name} as ${actual}, not as ${expected}`);
}

function otherColumns(table: string, difference: string): PipelineError {
  return new PipelineError(
    'TABLE_OTHER_COLUMNS',
    `${table} was created with other columns: it ${difference}`,
  );
}

function schemaOf({ schemaString }: Metadata): z.infer<typeof Schema> {
  return Schema.parse(JSON.parse(schemaString));
}
