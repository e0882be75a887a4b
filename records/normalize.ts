import { ATTEMPT, type ObjectShape, type FieldShape } from './attempt.ts';

/**
 * Returns an attempt that the check accepted as JSON that the scan accepts too: known fields only, numbers as strings.
 * @param shape The shape that it was checked against.
 */
export function normalizedText(attempt: unknown, shape: ObjectShape = ATTEMPT): Buffer {
  return Buffer.from(JSON.stringify(normalize(attempt, shape)), 'utf8');
}

function normalize(value: unknown, shape: FieldShape): unknown {
  if (value === undefined || value === null) return undefined;
  if (shape.kind === 'leaf') return typeof value === 'number' ? String(value) : value;
  if (shape.kind === 'list') return (value as readonly unknown[]).map((item) => normalize(item, shape.item));
  const members = value as Readonly<Record<string, unknown>>;
  const known = Object.entries(shape.fields).filter(([name]) => Object.hasOwn(members, name));
  return Object.fromEntries(known.map(([name, field]) => [name, normalize(members[name], field)]));
}
