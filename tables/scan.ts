import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type LeafType, type ObjectShape, type Shape } from '../model/attempt.ts';
import type { PathCounts } from './check.ts';
import { ValueScan } from './scan-value.ts';

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
  readonly name: Buffer;
  /** Its bit among the fields of its object. */
  readonly bit: number;
  /** Which count it adds to; -1 for an object or a list. */
  readonly count: number;
  readonly required: boolean;
  readonly leaf: LeafType | undefined;
  /** The fields of the object, or of each object of the list. */
  readonly fields: Fields | undefined;
  readonly isList: boolean;
}

interface Fields {
  readonly all: readonly Field[];
  /** The bits of those that must be there. */
  readonly required: number;
}

/**
 * Finds, in one pass over a message's bytes, that it is an attempt as nearly all are: strict JSON, each field known,
 * given once and of its type in one of its common forms. Such a message needs no check, which would find the same at
 * ten times the cost; what the scan does not accept may still be right, and only the check says so.
 */
export class AttemptScan {
  /** The values other than null of each known field, over all messages accepted, in the order of {@link paths}. */
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;
  readonly #paths: string[] = [];
  readonly #root: Fields;
  readonly #scan = new ValueScan();

  constructor() {
    this.#root = this.#fieldsOf(ATTEMPT, '');
    this.#counts = new Int32Array(this.#paths.length);
    this.#sums = new Float64Array(this.#paths.length);
  }

  /** Whether a message is such an attempt; then its values are counted. */
  accepts(payload: Buffer): boolean {
    if (!isUtf8(payload)) return false;
    this.#scan.bytes = payload;
    this.#scan.at = 0;
    this.#counts.fill(0);
    if (this.#scan.next() !== OPEN_BRACE || !this.#object(this.#root)) return false;
    if (this.#scan.next() !== -1) return false;
    for (let at = 0; at < this.#sums.length; at += 1)
      this.#sums[at] = (this.#sums[at] ?? 0) + (this.#counts[at] ?? 0);
    return true;
  }

  /** How many values other than null the accepted messages have of each known field. */
  values(): PathCounts {
    const met = this.#paths.map((path, at) => [path, this.#sums[at] ?? 0] as const);
    return new Map(met.filter(([, count]) => count > 0));
  }

  #fieldsOf({ fields }: ObjectShape, kind: string): Fields {
    const all = Object.entries(fields).map(([name, shape], at) =>
      this.#fieldOf(name, shape, { bit: 1 << at, kind: kind === '' ? name : `${kind}.${name}` }),
    );
    const required = all.filter((field) => field.required).reduce((bits, { bit }) => bits | bit, 0);
    return { all, required };
  }

  #fieldOf(name: string, shape: Shape, { bit, kind }: { bit: number; kind: string }): Field {
    const field = { name: Buffer.from(name), bit, required: shape.required };
    if (shape.kind === 'leaf') {
      const count = this.#paths.push(kind) - 1;
      return { ...field, count, leaf: shape.type, fields: undefined, isList: false };
    }
    const isList = shape.kind === 'list';
    const fields = isList ? this.#fieldsOf(shape.item, `${kind}[]`) : this.#fieldsOf(shape, kind);
    return { ...field, count: -1, leaf: undefined, fields, isList };
  }

  /** Passes an object whose brace is next. */
  #object({ all, required }: Fields): boolean {
    this.#scan.at += 1;
    let seen = 0;
    if (this.#scan.next() === CLOSE_BRACE) {
      this.#scan.at += 1;
      return required === 0;
    }
    for (let guess = 0; ; guess += 1) {
      if (this.#scan.next() !== QUOTE) return false;
      const field = this.#name(all, guess);
      if (field === undefined || (seen & field.bit) !== 0) return false;
      seen |= field.bit;
      if (this.#scan.next() !== COLON) return false;
      this.#scan.at += 1;
      if (!this.#value(field)) return false;
      const end = this.#scan.next();
      this.#scan.at += 1;
      if (end === CLOSE_BRACE) return (seen & required) === required;
      if (end !== COMMA) return false;
    }
  }

  /** Passes a field's name, whose quote is next. */
  #name(all: readonly Field[], guess: number): Field | undefined {
    // Most objects name their fields in the same order, so the search begins after the last one found.
    for (let tried = 0; tried < all.length; tried += 1) {
      const field = all[(guess + tried) % all.length];
      if (field === undefined || !this.#isQuoted(field.name)) continue;
      this.#scan.at += field.name.length + 2;
      return field;
    }
    return undefined;
  }

  /** Whether the string at the quote that is next is this one. */
  #isQuoted(text: Uint8Array): boolean {
    const bytes = this.#scan.bytes;
    const from = this.#scan.at + 1;
    if (bytes[from + text.length] !== QUOTE) return false;
    return this.#scan.is(text, from);
  }

  #value(field: Field): boolean {
    const byte = this.#scan.next();
    if (byte === NULL[0]) return !field.required && this.#scan.word(NULL);
    if (field.fields !== undefined) {
      if (field.isList) return byte === OPEN_BRACKET && this.#list(field.fields);
      return byte === OPEN_BRACE && this.#object(field.fields);
    }
    if (!this.#scan.leaf(field.leaf, byte)) return false;
    this.#counts[field.count] = (this.#counts[field.count] ?? 0) + 1;
    return true;
  }

  /** Passes a list of objects, whose bracket is next. */
  #list(fields: Fields): boolean {
    this.#scan.at += 1;
    if (this.#scan.next() === CLOSE_BRACKET) {
      this.#scan.at += 1;
      return true;
    }
    for (;;) {
      if (this.#scan.next() !== OPEN_BRACE || !this.#object(fields)) return false;
      const end = this.#scan.next();
      this.#scan.at += 1;
      if (end === CLOSE_BRACKET) return true;
      if (end !== COMMA) return false;
    }
  }
}
