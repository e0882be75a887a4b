import type { FieldShape, ObjectShape, RecordShape, ScalarShape, ScalarType } from '../../records/shape.ts';
import type { Random } from '../../simulator/random.ts';
import { pick, VALUES } from './mutations.ts';
import { Rendering } from './random-rendering.ts';

/** Writes records of a shape; a part of them have faults. */
export class RecordWriter {
  readonly #random: Random;
  readonly #rendering: Rendering;
  /** A value is wrong once in this many; infinite for none. */
  readonly #faultIn: number;

  constructor(random: Random, faultIn: number) {
    this.#random = random;
    this.#rendering = new Rendering(random);
    this.#faultIn = faultIn;
  }

  /** Writes a record. */
  record(shape: RecordShape): string {
    return `${this.#rendering.space()}${this.#record(shape)}${this.#rendering.space()}`;
  }

  #record(shape: RecordShape): string {
    if (shape.kind === 'object') return this.#members(shape);
    const kind = pick(shape.kinds, this.#random);
    const value = this.#isWrong()
      ? pick(VALUES, this.#random)
      : this.#rendering.text(pick(kind.values, this.#random));
    return this.#members(kind.shape, [shape.field, value]);
  }

  #isWrong(): boolean {
    return this.#faultIn !== Infinity && this.#random.below(this.#faultIn) === 0;
  }

  #object(shape: ObjectShape): string {
    const { fields, textField } = shape;
    const isAlone = Object.entries(fields).every(([name, { required }]) => name === textField || !required);
    const textShape = textField === undefined || !isAlone ? undefined : fields[textField];
    if (textShape?.kind === 'leaf' && this.#rendering.isChosen(3)) {
      const scalar = this.#scalar(textShape);
      if (scalar.startsWith('"')) return scalar;
    }
    return this.#members(shape);
  }

  #members({ fields }: ObjectShape, extra?: readonly [name: string, value: string]): string {
    const members = Object.entries(fields).flatMap(([name, field]) => {
      if (name === extra?.[0]) return [];
      if (this.#isWrong() || (!field.required && this.#rendering.isChosen(4))) return [];
      return [[name, this.#value(field)] as const];
    });
    if (extra !== undefined) members.push(extra);
    const first = members[0];
    if (first !== undefined && this.#isWrong()) members.push(first);
    const unknown = this.#rendering
      .unknown()
      .filter(([name]) => !Object.hasOwn(fields, JSON.parse(name) as string));
    return this.#rendering.object(members, unknown);
  }

  #value(shape: FieldShape): string {
    if (this.#isWrong()) return this.#rendering.isChosen(3) ? 'null' : pick(VALUES, this.#random);
    const isNullable = !shape.required && shape.kind !== 'object';
    if (isNullable && this.#rendering.isChosen(5)) return 'null';
    if (shape.kind === 'leaf') return this.#scalar(shape);
    if (shape.kind === 'object') return this.#object(shape);
    const items = Array.from({ length: this.#random.below(4) }, () => this.#value(shape.item));
    if (shape.kind === 'list') return this.#rendering.list(items);
    const entries = items.map((item, at) => [`${pick(KEYS, this.#random)}${at}`, item] as const);
    const twice = this.#isWrong() ? entries.slice(0, 1) : [];
    return this.#rendering.object([...entries, ...twice]);
  }

  #scalar(shape: ScalarShape): string {
    const { type, isStrict, texts } = shape;
    if (type === 'text') {
      const allowed = texts === undefined ? TEXTS : (texts.values ?? ['red', 'e', '😀e']);
      return this.#rendering.text(pick(allowed, this.#random));
    }
    if (type === 'json') return pick(JSON_TEXTS, this.#random);
    if (type === 'date' || type === 'timestamp')
      return this.#rendering.text(pick(SCALARS[type], this.#random));
    const written = this.#number(type, shape);
    const isQuoted = isStrict !== true && this.#rendering.isChosen(3) && isTextOf(type, written);
    return isQuoted ? this.#rendering.text(written) : written;
  }

  #number(type: Exclude<ScalarType, 'text' | 'json'>, { bounds, digits }: ScalarShape): string {
    if (type === 'double' && bounds === undefined && this.#rendering.isChosen(2)) return this.#double();
    return pick(numbersOf(type, digits?.scale, bounds !== undefined), this.#random);
  }

  /** Writes a number of 15 to 18 digits, which is often between two 64-bit floats. */
  #double(): string {
    const digits = Array.from({ length: 14 + this.#random.below(4) }, () => this.#random.below(10)).join('');
    return `${1 + this.#random.below(9)}${digits}e${this.#random.below(60) - 30}`;
  }
}

/** Returns numbers or booleans of a type, as JSON. */
function numbersOf(
  type: Exclude<ScalarType, 'text' | 'json'>,
  scale: number | undefined,
  isBound: boolean,
): string[] {
  const whole = ['0', '1', '1.0', '50e-1'];
  const decimals = scale === 0 ? ['0', '15e1', '-1e2'] : ['0', '0.25', '2.5e-1', '-0.5'];
  if (type === 'decimal') return isBound ? decimals.filter((number) => !number.startsWith('-')) : decimals;
  return isBound ? whole : [...SCALARS[type]];
}

/** Returns whether a number or boolean may also be written as a string of itself. */
function isTextOf(type: ScalarType, written: string): boolean {
  return !['integer', 'long', 'epoch'].includes(type) || /^-?\d{1,12}(\.\d{1,9})?$/.test(written);
}

const KEYS = ['', 'a', 'é', 'http://x/', '"', '\\', '__proto__', '\u0000'];
const TEXTS = ['', 'a', 'red', 'é中😀', '"\\/\b', '\u0000', '\ufeff', 'x'.repeat(100)];

const JSON_TEXTS = [
  ...[
    '{}',
    '[]',
    '[ 1 , "a\\u0062\\"]{" , {"x" : [ ] } ]',
    '"a\\nb"',
    '1.50',
    'true',
    '{"\\u0061" :\t1,"b":{"a":"\\\\"}}',
  ],
  ...['"é"', '-0', '1e400', '12345678901234567890', '[[[[{"a":[{}]}]]]]', '"\\ud83d\\ude00"'],
];

const SCALARS: Readonly<Record<Exclude<ScalarType, 'text' | 'json' | 'decimal'>, readonly string[]>> = {
  integer: ['0', '-0', '1', '-2147483648', '2147483647', '1.0', '1e2', '10e-1'],
  long: [
    ...[
      '0',
      '-0',
      '1',
      '9223372036854775807',
      '-9223372036854775808',
      '9007199254740993',
      '1e18',
      '922e16',
      '1.0',
    ],
    ...['9223372036854775807.0', '9223372036854775.807e3', '1000000000000000000', '-9007199254740993.000'],
  ],
  double: [
    ...[
      '0',
      '-0',
      '-0.0e5',
      '1',
      '0.1',
      '0.30000000000000004',
      '1e308',
      '-1.7976931348623157e308',
      '5e-324',
      '1e-400',
    ],
    ...[
      '123456789012345678',
      '9007199254740993',
      '1.00000000000000000000001',
      '8.5e22',
      '8.5e23',
      '0.12345678901234568',
    ],
    ...[
      '2.2250738585072014e-308',
      '9007199254740992e22',
      '1e22',
      '1e23',
      '12.5e-1',
      '1.7976931348623158e308',
    ],
  ],
  boolean: ['true', 'false'],
  date: ['2018-01-31', '0001-01-01', '9999-12-31', '2016-02-29', '1969-12-31'],
  timestamp: ['2018-01-31T12:00:00.000Z', '2018-01-31 00:00:00.123456789+0530'],
  epoch: ['0', '1516717442.735266', '-5.5', '1516717442'],
  'epoch-millis': [
    '0',
    '1516717442735',
    '1516717442735.2661',
    '-1.5',
    '1516717442.735266e3',
    '15e11',
    '1516717442735.26611',
  ],
  'epoch-micros': [
    '0',
    '1516717442735266',
    '1516717442735266.5',
    '-1',
    '15e14',
    '1516717442.735266e6',
    '-0.5',
  ],
};
