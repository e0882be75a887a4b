import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type ObjectShape, type Shape } from '../model/attempt.ts';
import type { PathCounts } from './check.ts';
import { ScanText, isAt, wanted, type Wanted } from './scan-text.ts';
import { NOT_SO, PASSES, passSpace, type Pass } from './scan-value.ts';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NULL = wanted('null');
const N = 0x6e;

/** A field as the scan meets it. */
interface Field {
  /** Its name in quotes. */
  readonly name: Wanted;
  /** Its bit among the fields of its object. */
  readonly bit: number;
  readonly required: boolean;
  readonly pass: Pass;
}

/** The fields of an object. */
interface Fields {
  readonly all: readonly Field[];
  /** The bits of those that must be there. */
  readonly required: number;
  /** Which field stood at each place the last time: most objects name theirs in the same order. */
  readonly order: Field[];
}

/**
 * Finds, in one pass over a message's bytes, that it is an attempt as nearly all are: strict JSON, each field known,
 * given once and of its type in one of its common forms. Such a message needs no check, which would find the same at
 * several times the cost; what the scan does not accept may still be right, and only the check says so.
 */
export class AttemptScan {
  /** The fields that hold values, by their paths. */
  readonly #paths: string[] = [];
  /** How many values other than null the message has of each of them. */
  readonly #counts: Int32Array;
  /** The same over all messages accepted. */
  readonly #sums: Float64Array;
  readonly #pass: Pass;
  readonly #text = new ScanText();

  constructor() {
    this.#pass = this.#passOf(ATTEMPT, '');
    this.#counts = new Int32Array(this.#paths.length);
    this.#sums = new Float64Array(this.#paths.length);
  }

  /** Whether a message is such an attempt; then its values are counted. */
  accepts(payload: Buffer): boolean {
    if (!isUtf8(payload)) return false;
    this.#counts.fill(0);
    const text = this.#text.take(payload);
    const end = this.#pass(text, passSpace(text, 0));
    if (end === NOT_SO || passSpace(text, end) !== payload.length) return false;
    for (let at = 0; at < this.#sums.length; at += 1)
      this.#sums[at] = (this.#sums[at] ?? 0) + (this.#counts[at] ?? 0);
    return true;
  }

  /** How many values other than null the accepted messages have of each known field. */
  values(): PathCounts {
    const met = this.#paths.map((path, at) => [path, this.#sums[at] ?? 0] as const);
    return new Map(met.filter(([, count]) => count > 0));
  }

  #passOf(shape: Shape, kind: string): Pass {
    if (shape.kind === 'leaf') return this.#counted(PASSES[shape.type], kind);
    if (shape.kind === 'list') return listPass(objectPass(this.#fieldsOf(shape.item, `${kind}[]`)));
    return objectPass(this.#fieldsOf(shape, kind));
  }

  #fieldsOf({ fields }: ObjectShape, kind: string): Fields {
    const all = Object.entries(fields).map(([name, shape], at) => ({
      name: wanted(JSON.stringify(name)),
      bit: 1 << at,
      required: shape.required,
      pass: this.#passOf(shape, kind === '' ? name : `${kind}.${name}`),
    }));
    const required = all.filter((field) => field.required).reduce((bits, { bit }) => bits | bit, 0);
    return { all, required, order: [...all] };
  }

  #counted(pass: Pass, path: string): Pass {
    const place = this.#paths.push(path) - 1;
    return (text, at) => {
      this.#counts[place] = (this.#counts[place] ?? 0) + 1;
      return pass(text, at);
    };
  }
}

function objectPass(fields: Fields): Pass {
  return (text, at) => passObject(text, at, fields);
}

function passObject(text: DataView, from: number, fields: Fields): number {
  if (text.getUint8(from) !== OPEN_BRACE) return NOT_SO;
  let at = passSpace(text, from + 1);
  if (text.getUint8(at) === CLOSE_BRACE) return fields.required === 0 ? at + 1 : NOT_SO;
  let seen = 0;
  for (let place = 0; ; place += 1) {
    const field = fieldAt(text, at, fields, place);
    if (field === undefined || (seen & field.bit) !== 0) return NOT_SO;
    seen |= field.bit;
    at = passSpace(text, at + field.name.length);
    if (text.getUint8(at) !== COLON) return NOT_SO;
    at = passValue(text, passSpace(text, at + 1), field);
    if (at === NOT_SO) return NOT_SO;
    at = passSpace(text, at);
    if (text.getUint8(at) === CLOSE_BRACE)
      return (seen & fields.required) === fields.required ? at + 1 : NOT_SO;
    if (text.getUint8(at) !== COMMA) return NOT_SO;
    at = passSpace(text, at + 1);
  }
}

function fieldAt(text: DataView, at: number, { all, order }: Fields, place: number): Field | undefined {
  const usual = order[place];
  if (usual !== undefined && isAt(text, at, usual.name)) return usual;
  for (const field of all) {
    if (!isAt(text, at, field.name)) continue;
    if (place < all.length) order[place] = field;
    return field;
  }
  return undefined;
}

function passValue(text: DataView, at: number, { required, pass }: Field): number {
  if (text.getUint8(at) === N) return !required && isAt(text, at, NULL) ? at + NULL.length : NOT_SO;
  return pass(text, at);
}

function listPass(passItem: Pass): Pass {
  return (text, from) => {
    if (text.getUint8(from) !== OPEN_BRACKET) return NOT_SO;
    let at = passSpace(text, from + 1);
    if (text.getUint8(at) === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = passItem(text, at);
      if (at === NOT_SO) return NOT_SO;
      at = passSpace(text, at);
      if (text.getUint8(at) === CLOSE_BRACKET) return at + 1;
      if (text.getUint8(at) !== COMMA) return NOT_SO;
      at = passSpace(text, at + 1);
    }
  };
}
