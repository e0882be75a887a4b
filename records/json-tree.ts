/** A JSON value with the source text of its numbers, which `JSON.parse` rounds. */
export type JsonNode = ScalarNode | ObjectNode | ArrayNode;

/** A value without members. A number is its text. */
export type ScalarNode =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly isTrue: boolean }
  | { readonly kind: 'null' };

/** An object; of members with the same name, the last. */
export interface ObjectNode {
  readonly kind: 'object';
  readonly members: ReadonlyMap<string, JsonNode>;
}

/** An array. */
export interface ArrayNode {
  readonly kind: 'array';
  readonly items: readonly JsonNode[];
}

/** A parsed JSON text. */
export interface JsonTree {
  readonly root: JsonNode;
  /** Whether an object has two members of one name. */
  readonly hasDuplicates: boolean;
}

/** Spaces, and a number, `true`, `false` or `null`. */
const SPACES = /[ \n\r\t]*/y;
const WORD = /[-+.\w]+/y;

/**
 * Parses a JSON text, nested to any depth.
 * @throws {SyntaxError} if it is not JSON; the message quotes it.
 */
export function parseTree(text: string): JsonTree {
  // Also validates the text, so that the tokens need not be.
  JSON.parse(text);
  return new TreeBuilder(text).build();
}

/** A container that is being read. */
type Open =
  | { readonly kind: 'object'; readonly members: Map<string, JsonNode>; name: string | undefined }
  | { readonly kind: 'array'; readonly items: JsonNode[] };

class TreeBuilder {
  readonly #text: string;
  readonly #open: Open[] = [];
  #root: JsonNode | undefined;
  #hasDuplicates = false;

  constructor(text: string) {
    this.#text = text;
  }

  build(): JsonTree {
    for (let at = 0; this.#root === undefined || this.#open.length > 0;) {
      at = endOf(SPACES, this.#text, at);
      const end = tokenEnd(this.#text, at);
      this.#add(this.#text.slice(at, end));
      at = end;
    }
    return { root: this.#root, hasDuplicates: this.#hasDuplicates };
  }

  #add(token: string): void {
    switch (token) {
      case '{':
        this.#begin({ kind: 'object', members: new Map(), name: undefined });
        return;
      case '[':
        this.#begin({ kind: 'array', items: [] });
        return;
      case '}':
      case ']':
        this.#open.pop();
        return;
      case ',':
      case ':':
        return;
      default:
        this.#addScalar(token);
    }
  }

  #begin(container: Open): void {
    this.#place(container);
    this.#open.push(container);
  }

  #addScalar(token: string): void {
    const within = this.#open.at(-1);
    if (within?.kind !== 'object' || within.name !== undefined) {
      this.#place(scalarOf(token));
      return;
    }
    within.name = textOf(token);
    if (within.members.has(within.name)) this.#hasDuplicates = true;
  }

  #place(node: JsonNode): void {
    const within = this.#open.at(-1);
    if (within === undefined) this.#root = node;
    else if (within.kind === 'array') within.items.push(node);
    else {
      within.members.set(within.name ?? '', node);
      within.name = undefined;
    }
  }
}

/** Returns the end of the token at an offset: a string, a word or a single character. */
function tokenEnd(text: string, at: number): number {
  if (text[at] === '"') return closingQuote(text, at) + 1;
  return Math.max(at + 1, endOf(WORD, text, at));
}

/** Returns the end of a pattern's match at an offset, or the offset if there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function closingQuote(text: string, open: number): number {
  for (let close = text.indexOf('"', open + 1); ; close = text.indexOf('"', close + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return close;
  }
}

function scalarOf(token: string): ScalarNode {
  if (token.startsWith('"')) return { kind: 'string', text: textOf(token) };
  if (token === 'null') return { kind: 'null' };
  if (token === 'true' || token === 'false') return { kind: 'boolean', isTrue: token === 'true' };
  return { kind: 'number', text: token };
}

/** Returns the content of a string's token. */
function textOf(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** Returns the kind of a JSON value, for errors. */
export function describeKind({ kind }: JsonNode): string {
  if (kind === 'null') return 'null';
  return kind === 'array' || kind === 'object' ? `an ${kind}` : `a ${kind}`;
}
