import type { FieldShape, ObjectShape, RecordShape, ScalarShape, ScalarType } from '../../records/shape.ts';
import type { Random } from '../../simulator/random.ts';
import { pick } from './mutations.ts';

const NAMES = [
  ...['id', 'a', 'b.c', 'two words', '@id', '', 'é中', '"\\\n', '__proto__', 'constructor', '0', '7'],
  ...['http://example.com/x?y=1#z', 'value', 'key', 'x'.repeat(120), ...Array.from('defghij')],
];

const TYPES: readonly ScalarType[] = [
  ...(['text', 'integer', 'long', 'double', 'decimal', 'boolean', 'date'] as const),
  ...(['timestamp', 'epoch', 'epoch-millis', 'epoch-micros', 'json'] as const),
];

const DIGITS = [
  { precision: 18, scale: 0 },
  { precision: 18, scale: 18 },
  { precision: 5, scale: 2 },
  { precision: 9, scale: 4 },
];

const RULES = [
  { values: ['', 'red', 'é"😀'] },
  { pattern: '^[a-z😀]+$' },
  { minLength: 1, maxLength: 3 },
  { pattern: 'e', maxLength: 10 },
];

const MAX_DEPTH = 3;

const KIND = { kind: 'object', required: true } as const;
const DECIDING = { kind: 'leaf', type: 'text', required: true } as const;

/** Returns a shape of any kind. */
export function randomShape(random: Random): RecordShape {
  if (random.below(4) > 0) return objectShape(random, MAX_DEPTH);
  const field = pick(NAMES, random);
  const kinds = ['one', 'two words', 'é'].map((name, at) => {
    const { fields } = objectShape(random, 2);
    const shape: ObjectShape = { ...KIND, fields: { ...fields, [field]: DECIDING } };
    return { name, values: [name, `other ${at}`, `é${at}`], shape };
  });
  return { kind: 'match', field, kinds };
}

function objectShape(random: Random, depth: number): ObjectShape {
  const names = random.shuffle([...NAMES]).slice(0, random.below(6));
  // Some objects have more fields than the bits of a word.
  const more = random.below(12) === 0 ? Array.from({ length: 40 }, (_, at) => `field ${at}`) : [];
  const fields = [...names, ...more].map((name) => [name, fieldShape(random, depth - 1)] as const);
  const textField = fields.find(([, { kind }]) => kind === 'leaf')?.[0];
  const isTextAllowed = textField !== undefined && random.below(3) === 0;
  return {
    ...{ kind: 'object', required: random.below(3) === 0, fields: Object.fromEntries(fields) },
    ...(isTextAllowed && { textField }),
  } as const;
}

function fieldShape(random: Random, depth: number): FieldShape {
  const kind = depth > 0 ? random.below(10) : 0;
  if (kind < 6) return scalarShape(random);
  if (kind === 6) return objectShape(random, depth);
  const item = fieldShape(random, depth - 1);
  return { kind: kind === 7 ? 'map' : 'list', required: random.below(3) === 0, item };
}

function scalarShape(random: Random): ScalarShape {
  const type = pick(TYPES, random);
  const isRuled = random.below(3) === 0;
  return {
    ...{ kind: 'leaf', type, required: random.below(3) === 0, isStrict: random.below(2) === 0 },
    ...(type === 'decimal' && { digits: pick(DIGITS, random) }),
    ...(isRuled && type === 'text' && { texts: pick(RULES, random) }),
    ...(isRuled && ['integer', 'long', 'double'].includes(type) && { bounds: pick(BOUNDS, random) }),
    ...(isRuled && type === 'decimal' && { bounds: { min: '0' } }),
  } as const;
}

const BOUNDS = [{ min: '0' }, { max: '1e3' }, { min: '-5', max: '100.0' }];
