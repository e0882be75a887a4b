import fc from 'fast-check';
import { ATTEMPT } from './attempt-contract.ts';
import type { ScalarType, ObjectShape, FieldShape } from '../../records/shape.ts';

/** Generates any JSON value that a shape accepts; optional fields are absent, null or present. */
export function acceptedAttempts(): fc.Arbitrary<object> {
  return objectOf(ATTEMPT);
}

const TEXT = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  fc.constantFrom(
    '',
    '\ufeff',
    '\ufefftext',
    '\u0000',
    'null',
    'NULL',
    '\n\r\t',
    '"\\',
    "'",
    '%',
    '__proto__',
    '😀',
  ),
);

const INTEGER = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.constantFrom(0, -1, 1, 2 ** 31 - 1, -(2 ** 31)),
);

/** Generates seconds from the year 1 on, with six decimals. */
const EPOCH = fc
  .tuple(fc.integer({ min: -62_000_000_000, max: 99_999_999_999 }), fc.nat({ max: 999_999 }))
  .map(([seconds, micros]) => `${seconds}.${String(micros).padStart(6, '0')}`);

const TIMESTAMP = fc
  .tuple(
    fc.oneof(
      fc.date({
        min: new Date('0001-01-02T00:00:00Z'),
        max: new Date('9999-12-30T00:00:00Z'),
        noInvalidDate: true,
      }),
      fc.constantFrom(new Date('0001-01-02T00:00:00Z'), new Date('9999-12-30T23:59:59Z'), new Date(0)),
    ),
    fc.constantFrom('', '.1', '.000001', '.999999'),
    fc.constantFrom('Z', '+00:00', '-12:00', '+14:00'),
  )
  .map(([time, fraction, zone]) => `${time.toISOString().slice(0, 19)}${fraction}${zone}`);

const LEAVES: Readonly<Partial<Record<ScalarType, fc.Arbitrary<unknown>>>> = {
  text: TEXT,
  integer: fc.oneof(
    INTEGER,
    INTEGER.map(String),
    INTEGER.map((integer) => `${integer}.0`),
  ),
  boolean: fc.constantFrom(true, false, 'true', 'false'),
  timestamp: TIMESTAMP,
  epoch: fc.oneof(EPOCH, fc.integer({ min: -62_000_000_000, max: 99_999_999_999 })),
};

function objectOf({ fields }: ObjectShape): fc.Arbitrary<object> {
  const members = Object.entries(fields).map(([name, shape]) =>
    valueOf(shape).map((value) => (value === undefined ? [] : [[name, value] as const])),
  );
  const unknown = fc.dictionary(
    fc.string({ maxLength: 8 }).filter((name) => !Object.hasOwn(fields, name)),
    fc.jsonValue({ maxDepth: 3 }),
    { maxKeys: 1 },
  );
  return fc
    .tuple(unknown, ...members)
    .map(([more, ...known]) => Object.fromEntries([...known.flat(), ...Object.entries(more)]));
}

function valueOf(shape: FieldShape): fc.Arbitrary<unknown> {
  const value = presentValueOf(shape);
  return shape.required ? value : fc.oneof({ weight: 4, arbitrary: value }, fc.constantFrom(null, undefined));
}

function presentValueOf(shape: FieldShape): fc.Arbitrary<unknown> {
  if (shape.kind === 'object') return objectOf(shape);
  if (shape.kind === 'list') return fc.array(presentValueOf(shape.item), { maxLength: 3 });
  const leaf = shape.kind === 'leaf' ? LEAVES[shape.type] : undefined;
  if (leaf === undefined) throw new TypeError('attempts have no such field');
  return leaf;
}
