import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type ScalarShape, type ListShape, type ObjectShape, type Shape } from './attempt.ts';
import { withoutMark } from './json-text.ts';
import { scalarFault } from './scalar-types.ts';

/** Why a message cannot become rows. */
export interface Fault {
  /** The field that is off, as `sequences.questions[3].id`; empty for the whole. */
  readonly path: string;
  /** What is wrong, without the value. */
  readonly reason: string;
}

/** How often something was met, by its path. */
export type PathCounts = Map<string, number>;

/** What the check of a message found. Only where there is no fault do the counts say anything. */
export interface Verdict {
  readonly fault: Fault | undefined;
  /** Values other than null of each known field, by its path with `[]` for any place in a list. */
  readonly values: PathCounts;
  /** Fields that no table knows, likewise. */
  readonly unknown: PathCounts;
  /** The message's value. */
  readonly attempt: unknown;
}

/**
 * Whether a message's value can become rows, whole. What DuckDB would quietly turn into null or round is
 * found here: the rules are those of records/attempt.ts.
 * @param shape What the value must be.
 */
export function checkAttempt(payload: Buffer | null, shape: ObjectShape = ATTEMPT): Verdict {
  const checker = new Checker(shape);
  try {
    const attempt = checker.check(payload);
    return { fault: undefined, values: checker.values, unknown: checker.unknown, attempt };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return {
      fault: { path: error.path, reason: error.message },
      values: checker.values,
      unknown: checker.unknown,
      attempt: undefined,
    };
  }
}

class Refusal extends Error {
  readonly path: string;

  constructor(path: string, reason: string) {
    super(reason);
    this.path = path;
  }
}

const LONGEST_NAME = 100;

class Checker {
  readonly values: PathCounts = new Map();
  readonly unknown: PathCounts = new Map();
  /** Object members met, to be compared with those that the text has. */
  #members = 0;
  #mayHoldSurrogates = false;
  readonly #attempt: ObjectShape;

  constructor(attempt: ObjectShape) {
    this.#attempt = attempt;
  }

  check(payload: Buffer | null): unknown {
    if (payload === null) throw new Refusal('', 'the message has no value');
    if (payload.length === 0) throw new Refusal('', 'the message’s value is empty');
    if (!isUtf8(payload)) throw new Refusal('', 'is not UTF-8');
    const text = withoutMark(payload).toString('utf8');
    this.#mayHoldSurrogates = /\\u[dD][89a-fA-F]/.test(text);
    const attempt = parse(text);
    this.#object(attempt, this.#attempt, '', '');
    if (countMembers(text) !== this.#members)
      throw new Refusal('', 'has an object with the same field twice');
    return attempt;
  }

  #shape(value: unknown, shape: Shape, path: string, kind: string): void {
    if (value === undefined || value === null) {
      if (shape.required) throw new Refusal(path, value === null ? 'must not be null' : 'is missing');
      return;
    }
    if (shape.kind === 'leaf') this.#leaf(value, shape, path, kind);
    else if (shape.kind === 'object') this.#object(value, shape, path, kind);
    else this.#list(value, shape, path, kind);
  }

  #leaf(value: unknown, leaf: ScalarShape, path: string, kind: string): void {
    this.#scan(value, path);
    const fault = scalarFault(value, leaf.type);
    if (fault !== undefined) throw new Refusal(path, fault);
    this.values.set(kind, (this.values.get(kind) ?? 0) + 1);
  }

  #object(value: unknown, shape: ObjectShape, path: string, kind: string): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Refusal(path, `must be an object, is ${nameOf(value)}`);
    }
    for (const [name, member] of Object.entries(value)) {
      this.#members += 1;
      if (Object.hasOwn(shape.fields, name)) continue;
      const unknownKind = join(kind, shown(name));
      this.unknown.set(unknownKind, (this.unknown.get(unknownKind) ?? 0) + 1);
      if (this.#mayHoldSurrogates) this.#scan(name, path);
      this.#scan(member, join(path, shown(name)));
    }
    const members = value as Readonly<Record<string, unknown>>;
    for (const [name, field] of Object.entries(shape.fields)) {
      const member = Object.hasOwn(members, name) ? members[name] : undefined;
      this.#shape(member, field, join(path, name), join(kind, name));
    }
  }

  #list(value: unknown, shape: ListShape, path: string, kind: string): void {
    if (!Array.isArray(value)) throw new Refusal(path, `must be an array, is ${nameOf(value)}`);
    for (const [at, item] of value.entries()) this.#object(item, shape.item, `${path}[${at}]`, `${kind}[]`);
  }

  /** Counts the members below a value that is not looked into, and finds text that no table can hold. */
  #scan(value: unknown, path: string): void {
    const left: unknown[] = [value];
    while (left.length > 0) {
      const next = left.pop();
      if (typeof next === 'string') {
        if (this.#mayHoldSurrogates && !next.isWellFormed())
          throw new Refusal(path, 'holds half of a surrogate pair');
      } else if (Array.isArray(next)) {
        for (const item of next) left.push(item);
      } else if (typeof next === 'object' && next !== null) {
        for (const [name, member] of Object.entries(next)) {
          this.#members += 1;
          left.push(name, member);
        }
      }
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new Refusal('', 'is not JSON');
  }
}

/**
 * How many members the objects of a JSON text have, a name given twice counted twice: the strings that a
 * colon follows. The text must be valid JSON.
 */
export function countMembers(text: string): number {
  let members = 0;
  for (let open = text.indexOf('"'); open !== -1;) {
    const close = closingQuote(text, open);
    let after = close + 1;
    while (isSpace(text.charCodeAt(after))) after += 1;
    if (text[after] === ':') members += 1;
    open = text.indexOf('"', after);
  }
  return members;
}

function closingQuote(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); ; close = text.indexOf('"', close + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return close;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** A field's name from outside, made fit for a path: short, and with no character that needs escaping. */
function shown(name: string): string {
  const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
  return /^[\w-]+$/u.test(short) ? short : JSON.stringify(short.toWellFormed());
}

/** What a JSON value is, for messages. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
