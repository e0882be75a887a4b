import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type ObjectShape, type Shape } from '../model/attempt.ts';
import type { PathCounts } from './check.ts';
import { NOT_SO, PASSES, isAt, passSpace, type Pass } from './scan-value.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NULL = Buffer.from('null');

/** A field as the scan meets it. */
interface Field {
  /** Its name in quotes. */
  readonly name: Uint8Array;
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

  constructor() {
    this.#pass = this.#passOf(ATTEMPT, '');
    this.#counts = new Int32Array(this.#paths.length);
    this.#sums = new Float64Array(this.#paths.length);
  }

  /** Whether a message is such an attempt; then its values are counted. */
  accepts(payload: Buffer): boolean {
    if (!isUtf8(payload)) return false;
    this.#counts.fill(0);
    const end = this.#pass(payload, passSpace(payload, 0));
    if (end === NOT_SO || passSpace(payload, end) !== payload.length) return false;
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
      name: Buffer.from(JSON.stringify(name)),
      bit: 1 << at,
      required: shape.required,
      pass: this.#passOf(shape, kind === '' ? name : `${kind}.${name}`),
    }));
    const required = all.filter((field) => field.required).reduce((bits, { bit }) => bits | bit, 0);
    return { all, required, order: [...all] };
  }

  #counted(pass: Pass, path: string): Pass {
    const place = this.#paths.push(path) - 1;
    return (bytes, at) => {
      this.#counts[place] = (this.#counts[place] ?? 0) + 1;
      return pass(bytes, at);
    };
  }
}

function objectPass(fields: Fields): Pass {
  return (bytes, at) => passObject(bytes, at, fields);
}

function passObject(bytes: Uint8Array, from: number, fields: Fields): number {
  if (bytes[from] !== OPEN_BRACE) return NOT_SO;
  let at = passSpace(bytes, from + 1);
  if (bytes[at] === CLOSE_BRACE) return fields.required === 0 ? at + 1 : NOT_SO;
  let seen = 0;
  for (let place = 0; ; place += 1) {
    const field = fieldAt(bytes, at, fields, place);
    if (field === undefined || (seen & field.bit) !== 0) return NOT_SO;
    seen |= field.bit;
    at = passSpace(bytes, at + field.name.length);
    if (bytes[at] !== COLON) return NOT_SO;
    at = passValue(bytes, passSpace(bytes, at + 1), field);
    if (at === NOT_SO) return NOT_SO;
    at = passSpace(bytes, at);
    if (bytes[at] === CLOSE_BRACE) return (seen & fields.required) === fields.required ? at + 1 : NOT_SO;
    if (bytes[at] !== COMMA) return NOT_SO;
    at = passSpace(bytes, at + 1);
  }
}

function fieldAt(bytes: Uint8Array, at: number, { all, order }: Fields, place: number): Field | undefined {
  const usual = order[place];
  if (usual !== undefined && isAt(bytes, at, usual.name)) return usual;
  if (bytes[at] !== QUOTE) return undefined;
  const found = all.find(({ name }) => isAt(bytes, at, name));
  if (found !== undefined && place < all.length) order[place] = found;
  return found;
}

function passValue(bytes: Uint8Array, at: number, { required, pass }: Field): number {
  if (bytes[at] === NULL[0]) return !required && isAt(bytes, at, NULL) ? at + NULL.length : NOT_SO;
  return pass(bytes, at);
}

function listPass(passItem: Pass): Pass {
  return (bytes, from) => {
    if (bytes[from] !== OPEN_BRACKET) return NOT_SO;
    let at = passSpace(bytes, from + 1);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = passItem(bytes, at);
      if (at === NOT_SO) return NOT_SO;
      at = passSpace(bytes, at);
      if (bytes[at] === CLOSE_BRACKET) return at + 1;
      if (bytes[at] !== COMMA) return NOT_SO;
      at = passSpace(bytes, at + 1);
    }
  };
}
