import { isUtf8 } from 'node:buffer';
import { defaultShape } from './contracts.ts';
import type { ScalarShape, ListShape, ObjectShape, FieldShape } from './shape.ts';
import { formatName, joinPath } from './field-paths.ts';
import { withoutMark } from './json-text.ts';
import { scalarFault } from './scalar-types.ts';

/** The reason why a message cannot become rows. */
export interface ContractFault {
  /** The path of the wrong field, as `sequences.questions[3].id`; empty for the whole message. */
  readonly path: string;
  /** The reason, without the value. */
  readonly reason: string;
}

/** Counts by path. */
export type PathCounts = Map<string, number>;

/** The result of checking a message. The counts are complete only if there is no fault. */
export interface Verdict {
  readonly fault: ContractFault | undefined;
  /** Non-null values of each known field, by its path with `[]` for list indexes. */
  readonly values: PathCounts;
  /** Unknown fields, likewise. */
  readonly unknown: PathCounts;
}

/**
 * Checks whether a message's value can become rows without loss: DuckDB would silently round values, or replace them with
 * null.
 * @param shape The shape that the value must have.
 */
export function checkAttempt(payload: Buffer | null, shape: ObjectShape = defaultShape()): Verdict {
  const checker = new Checker(shape);
  try {
    checker.check(payload);
    return { fault: undefined, values: checker.values, unknown: checker.unknown };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const fault = { path: error.path, reason: error.message };
    return { fault, values: checker.values, unknown: checker.unknown };
  }
}

class Refusal extends Error {
  readonly path: string;

  constructor(path: string, reason: string) {
    super(reason);
    this.path = path;
  }
}

class Checker {
  readonly values: PathCounts = new Map();
  readonly unknown: PathCounts = new Map();
  /** Object members visited, to be compared with those in the text: a duplicate name is visited once. */
  #members = 0;
  #mayHaveSurrogates = false;
  readonly #attempt: ObjectShape;

  constructor(attempt: ObjectShape) {
    this.#attempt = attempt;
  }

  check(payload: Buffer | null): void {
    if (payload === null) throw new Refusal('', 'the message has no value');
    if (payload.length === 0) throw new Refusal('', 'the message’s value is empty');
    if (!isUtf8(payload)) throw new Refusal('', 'is not UTF-8');
    const text = withoutMark(payload).toString('utf8');
    this.#mayHaveSurrogates = /\\u[dD][89a-fA-F]/.test(text);
    const attempt = parse(text);
    this.#object(attempt, this.#attempt, '', '');
    if (countMembers(text) !== this.#members)
      throw new Refusal('', 'has an object with the same field twice');
  }

  #shape(value: unknown, shape: FieldShape, path: string, kind: string): void {
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
      throw new Refusal(path, `must be an object, is ${describeKind(value)}`);
    }
    for (const [name, member] of Object.entries(value)) {
      this.#members += 1;
      if (Object.hasOwn(shape.fields, name)) continue;
      const unknownKind = joinPath(kind, formatName(name));
      this.unknown.set(unknownKind, (this.unknown.get(unknownKind) ?? 0) + 1);
      if (this.#mayHaveSurrogates) this.#scan(name, path);
      this.#scan(member, joinPath(path, formatName(name)));
    }
    const members = value as Readonly<Record<string, unknown>>;
    for (const [name, field] of Object.entries(shape.fields)) {
      const member = Object.hasOwn(members, name) ? members[name] : undefined;
      this.#shape(member, field, joinPath(path, name), joinPath(kind, name));
    }
  }

  #list(value: unknown, shape: ListShape, path: string, kind: string): void {
    if (!Array.isArray(value)) throw new Refusal(path, `must be an array, is ${describeKind(value)}`);
    for (const [index, item] of value.entries())
      this.#object(item, shape.item, `${path}[${index}]`, `${kind}[]`);
  }

  /** Counts the members below an unknown value, and rejects strings that are not well-formed Unicode. */
  #scan(value: unknown, path: string): void {
    const left: unknown[] = [value];
    while (left.length > 0) {
      const next = left.pop();
      if (typeof next === 'string') {
        if (this.#mayHaveSurrogates && !next.isWellFormed())
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
    // Not rethrown, since the parser's message quotes the text.
    throw new Refusal('', 'is not JSON');
  }
}

/**
 * Counts the members of all objects in a JSON text, duplicates included: the strings followed by a colon. The text must
 * be valid JSON.
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

/** Returns the kind of a JSON value, for errors. */
export function describeKind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
