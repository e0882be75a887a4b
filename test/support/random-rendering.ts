import type { FieldShape, ObjectShape, ScalarType } from '../../records/shape.ts';
import type { Random } from '../../simulator/random.ts';
import { pick } from './mutations.ts';

/** Names of unknown fields. */
const NAMES = [
  ...['"region"', '"a b"', '""', '"é中"', '"\\ud83d\\ude00"', '"__proto__"', '"constructor"', '"7"', '"-1"'],
  ...['"keen_idx"', '"keen_i"', '"\\u0000"', '"toString"', `"${'x'.repeat(150)}"`, `"${'é'.repeat(101)}"`],
];

/** Values of unknown fields. */
const VALUES = [
  ...['null', 'true', 'false', '0', '-0', '-0.0E-0', '1.5', '1e400', '-1e-400', '9007199254740993', '""'],
  ...['"\\u0022,\\u003a{"', '"é中😀"', '[]', '{}', '[[],{},[{}]]', '[1,"2",null,{"a":[{"a":{}}]}]'],
  ...['{"a":{"b":{"a":1}},"b":{"a":1}}', '{"id":1,"options":[]}', '{"\\u0061":1,"b":"a"}'],
  ...[`${'['.repeat(300)}${']'.repeat(300)}`, `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`],
  ...[`{${Array.from({ length: 40 }, (_, at) => `"name ${(at * 7) % 40}":${at}`).join(',')}}`],
];

const SPACES = ['', '', '', ' ', '\n  ', '\t', '\r\n', ' '.repeat(20)];

/** Probabilities of a choice, as one in this number. */
const RARELY = 40;
const SOMETIMES = 6;

/**
 * Writes a record in another way, with the same meaning: with unknown fields, in another order, with spaces, escapes,
 * nulls for absent fields, and numbers in each form that is accepted.
 */
export function renderAtRandom(value: unknown, shape: FieldShape, random: Random): string {
  const rendering = new Rendering(random);
  const mark = rendering.isChosen(SOMETIMES) ? '\ufeff' : '';
  return mark + rendering.space() + rendering.value(value, shape) + rendering.space();
}

/** Writes values in random ways. */
export class Rendering {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns true once in `oneIn` calls on average. */
  isChosen(oneIn: number): boolean {
    return this.#random.below(oneIn) === 0;
  }

  /** Returns spaces, mostly none. */
  space(): string {
    return this.pick(SPACES);
  }

  /** Writes a value of a shape without maps. */
  value(value: unknown, shape: FieldShape): string {
    if (value === null) return 'null';
    if (shape.kind === 'leaf') return this.#scalar(value, shape.type);
    if (shape.kind === 'object') return this.#object(value as Readonly<Record<string, unknown>>, shape);
    if (shape.kind === 'map') throw new TypeError('maps are written by random-records.ts');
    return this.list((value as readonly unknown[]).map((item) => this.value(item, shape.item)));
  }

  /** Writes an array of written items. */
  list(items: readonly string[]): string {
    return `[${this.space()}${items.join(`${this.space()},${this.space()}`)}${this.space()}]`;
  }

  #object(value: Readonly<Record<string, unknown>>, { fields }: ObjectShape): string {
    const members = Object.entries(value).map(([name, member]) => {
      const field = fields[name];
      if (field === undefined) throw new TypeError(`${name} is not in the shape`);
      return [name, this.value(member, field)] as const;
    });
    const absent = Object.keys(fields).filter((name) => !Object.hasOwn(value, name));
    const nulls = absent.filter(() => this.isChosen(SOMETIMES)).map((name) => [name, 'null'] as const);
    return this.object([...members, ...nulls], this.unknown());
  }

  /** Writes an object of names with written values, and of unknown fields, which are both written. */
  object(
    members: readonly (readonly [name: string, value: string])[],
    unknown: readonly (readonly [name: string, value: string])[] = [],
  ): string {
    const written = [...members.map(([name, value]) => [this.text(name), value] as const), ...unknown];
    const ordered = this.isChosen(2) ? this.#random.shuffle(written) : written;
    const texts = ordered.map(
      ([name, member]) => `${this.space()}${name}${this.space()}:${this.space()}${member}${this.space()}`,
    );
    return `{${texts.join(',')}}`;
  }

  /** Returns some unknown fields, written. */
  unknown(): (readonly [name: string, value: string])[] {
    if (!this.isChosen(SOMETIMES)) return [];
    const names = this.#random.shuffle([...NAMES]).slice(0, 1 + this.#random.below(3));
    return names.map((name) => [name, this.pick(VALUES)]);
  }

  #scalar(value: unknown, type: ScalarType): string {
    if (typeof value === 'boolean') return this.pick([String(value), this.text(String(value))]);
    if (typeof value === 'number') return this.#integer(value);
    const text = String(value);
    if (type === 'epoch') return this.pick([this.text(text), ...numbersOf(text)]);
    return this.text(text);
  }

  #integer(number: number): string {
    const [sign, size] = number < 0 ? ['-', String(-number)] : ['', String(number)];
    const others = number === 0 ? ['-0', '0e5'] : [`${number}0e-1`, `${sign}0.${size}e${size.length}`];
    return this.pick([
      ...[`${number}`, `${number}.0`, `${number}.${'0'.repeat(30)}`, `${number}e0`, `${number}.0E+00`],
      ...[this.text(`${number}`), this.text(`${number}.0`)],
      this.text(`${sign || '+'}${size.padStart(10, '0')}`),
      ...others,
    ]);
  }

  /** Writes a string, sometimes with escapes. */
  text(text: string): string {
    const escapes = this.pick([RARELY, RARELY, 2, 0]);
    const units = Array.from({ length: text.length }, (_, at) => text.charAt(at));
    if (escapes === 0 || !text.isWellFormed()) return JSON.stringify(text);
    return `"${units.map((unit) => (isSurrogate(unit) || this.isChosen(escapes) ? escaped(unit) : bare(unit))).join('')}"`;
  }

  /** Returns one of the values. */
  pick<T>(all: readonly T[]): T {
    return pick(all, this.#random);
  }
}

/** Returns a text of seconds as JSON numbers. */
function numbersOf(seconds: string): string[] {
  const number = Number(seconds);
  return [seconds, String(number), number.toExponential(), `${number}e0`, number.toPrecision(21)];
}

function escaped(unit: string): string {
  return unit === '/' ? '\\/' : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function bare(unit: string): string {
  return JSON.stringify(unit).slice(1, -1);
}

function isSurrogate(unit: string): boolean {
  return !unit.isWellFormed();
}
