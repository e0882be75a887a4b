import { isUtf8 } from 'node:buffer';
import { defaultShape } from './contracts.ts';
import type {
  ScalarShape,
  ListShape,
  MapShape,
  MatchShape,
  ObjectShape,
  FieldShape,
  RecordShape,
} from './shape.ts';
import { formatName, joinPath, quoteName, VALUE_NAME } from './field-paths.ts';
import { withoutMark } from './json-text.ts';
import { describeKind, parseTree, type JsonNode, type JsonTree } from './json-tree.ts';
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
export function checkAttempt(payload: Buffer | null, shape: RecordShape = defaultShape()): Verdict {
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

const HALF_A_PAIR = 'holds half of a surrogate pair';

type Members = ReadonlyMap<string, JsonNode>;

class Checker {
  readonly values: PathCounts = new Map();
  readonly unknown: PathCounts = new Map();
  #mayHaveSurrogates = false;
  readonly #record: RecordShape;

  constructor(record: RecordShape) {
    this.#record = record;
  }

  check(payload: Buffer | null): void {
    if (payload === null) throw new Refusal('', 'the message has no value');
    if (payload.length === 0) throw new Refusal('', 'the message’s value is empty');
    if (!isUtf8(payload)) throw new Refusal('', 'is not UTF-8');
    const text = withoutMark(payload).toString('utf8');
    this.#mayHaveSurrogates = /\\u[dD][89a-fA-F]/.test(text);
    const { root, hasDuplicates } = parse(text);
    if (this.#record.kind === 'match') this.#match(root, this.#record);
    else this.#members(membersOf(root, ''), this.#record, '', '');
    if (hasDuplicates) throw new Refusal('', 'has an object with the same field twice');
  }

  #match(value: JsonNode, { field, kinds }: MatchShape): void {
    const path = quoteName(field);
    const members = membersOf(value, '');
    const found = members.get(field);
    if (found === undefined) throw new Refusal(path, 'is missing');
    if (found.kind !== 'string')
      throw new Refusal(path, `must name the kind of record, is ${describeKind(found)}`);
    this.#scan(found, path);
    const kind = kinds.find(({ values }) => values.includes(found.text));
    if (kind === undefined)
      throw new Refusal(path, 'must name a kind of record of the contract, is another text');
    this.#members(members, kind.shape, '', quoteName(kind.name));
  }

  #shape(value: JsonNode | undefined, shape: FieldShape, path: string, kind: string): void {
    if (value === undefined || value.kind === 'null') {
      if (shape.required) throw new Refusal(path, value === undefined ? 'is missing' : 'must not be null');
      return;
    }
    if (shape.kind === 'leaf') this.#leaf(value, shape, path, kind);
    else if (shape.kind === 'object') this.#object(value, shape, path, kind);
    else if (shape.kind === 'list') this.#list(value, shape, path, kind);
    else this.#map(value, shape, path, kind);
  }

  #leaf(value: JsonNode, leaf: ScalarShape, path: string, kind: string): void {
    this.#scan(value, path);
    const fault = scalarFault(value, leaf);
    if (fault !== undefined) throw new Refusal(path, fault);
    this.values.set(kind, (this.values.get(kind) ?? 0) + 1);
  }

  #object(value: JsonNode, shape: ObjectShape, path: string, kind: string): void {
    const { textField } = shape;
    const isText = textField !== undefined && value.kind === 'string';
    this.#members(isText ? new Map([[textField, value]]) : membersOf(value, path), shape, path, kind);
  }

  #members(members: Members, shape: ObjectShape, path: string, kind: string): void {
    for (const [name, member] of members) {
      if (Object.hasOwn(shape.fields, name)) continue;
      const unknownKind = joinPath(kind, formatName(name));
      this.unknown.set(unknownKind, (this.unknown.get(unknownKind) ?? 0) + 1);
      this.#scanName(name, path);
      this.#scan(member, joinPath(path, formatName(name)));
    }
    for (const [name, field] of Object.entries(shape.fields)) {
      const quoted = quoteName(name);
      this.#shape(members.get(name), field, joinPath(path, quoted), joinPath(kind, quoted));
    }
  }

  #list(value: JsonNode, shape: ListShape, path: string, kind: string): void {
    if (value.kind !== 'array') throw new Refusal(path, `must be an array, is ${describeKind(value)}`);
    for (const [index, item] of value.items.entries())
      this.#item(item, shape.item, `${path}[${index}]`, `${kind}[]`);
  }

  #map(value: JsonNode, shape: MapShape, path: string, kind: string): void {
    for (const [name, item] of membersOf(value, path)) {
      this.#scanName(name, path);
      this.#item(item, shape.item, joinPath(path, formatName(name)), `${kind}{}`);
    }
  }

  /** Checks an item of a list, or a value of a map. */
  #item(item: JsonNode, shape: FieldShape, path: string, kind: string): void {
    if (shape.kind === 'object') this.#object(item, shape, path, kind);
    else this.#shape(item, shape, path, joinPath(kind, VALUE_NAME));
  }

  #scanName(name: string, path: string): void {
    if (this.#mayHaveSurrogates && !name.isWellFormed()) throw new Refusal(path, HALF_A_PAIR);
  }

  /** Rejects strings that are not well-formed Unicode. */
  #scan(value: JsonNode, path: string): void {
    if (!this.#mayHaveSurrogates) return;
    const left = [value];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (next.kind === 'string') this.#scanName(next.text, path);
      else if (next.kind === 'array') for (const item of next.items) left.push(item);
      else if (next.kind === 'object')
        for (const [name, member] of next.members) {
          this.#scanName(name, path);
          left.push(member);
        }
    }
  }
}

function membersOf(value: JsonNode, path: string): Members {
  if (value.kind !== 'object') throw new Refusal(path, `must be an object, is ${describeKind(value)}`);
  return value.members;
}

function parse(text: string): JsonTree {
  try {
    return parseTree(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Not rethrown, since the parser's message quotes the text.
    throw new Refusal('', 'is not JSON');
  }
}
