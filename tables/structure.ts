import type { LeafType, Shape } from '../model/attempt.ts';

/**
 * What DuckDB's json_transform makes of each leaf. An epoch stays text, so that no decimal is lost; a timestamp
 * too, since a column of texts is cast at half the cost of the texts within JSON.
 */
const TYPES: Record<LeafType, string> = {
  text: 'VARCHAR',
  integer: 'INTEGER',
  boolean: 'BOOLEAN',
  timestamp: 'VARCHAR',
  epoch: 'VARCHAR',
};

/** A shape as the structure that DuckDB's json_transform takes: a JSON text. */
export function structureOf(shape: Shape): string {
  return JSON.stringify(structure(shape));
}

function structure(shape: Shape): unknown {
  if (shape.kind === 'leaf') return TYPES[shape.type];
  if (shape.kind === 'list') return [structure(shape.item)];
  return Object.fromEntries(Object.entries(shape.fields).map(([name, field]) => [name, structure(field)]));
}
