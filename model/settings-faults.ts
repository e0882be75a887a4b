import { isNode, isScalar, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { PipelineError } from './errors.ts';

/** A text that may be shown in an error: one short word or a small number with a unit. A password seldom is one. */
const HARMLESS_TEXT = /^(?:[A-Za-z]{0,12}|\d{1,6}[a-z]{0,2})$/;
/** Keys whose value is, or is often mistaken for, a secret or a URL with one in it. */
const SECRET_KEY = /variable$|url$|file$|nodes\.|pass|secret|token|key|auth|credential|cookie|user/i;
/** A key that may be shown: a word, as all keys of the settings are. */
const HARMLESS_KEY = /^[A-Za-z]{1,24}$/;
/** The name of a source that may be shown. */
const HARMLESS_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** The kinds of syntax errors whose messages quote nothing of the file before their first colon. */
const PLAIN_SYNTAX_ERRORS = new Set([
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'COMMENT_SPACE',
  'DUPLICATE_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_DOCS',
  'MULTIPLE_TAGS',
  'TAB_AS_INDENT',
  'UNEXPECTED_TOKEN',
]);

/** A settings file as YAML, before its keys are checked. */
export class SettingsText {
  readonly values: unknown;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /**
   * Parses YAML 1.2. No error quotes the file, which can hold a secret by mistake.
   * @param file Its name, for messages.
   * @throws {PipelineError} SETTINGS_INVALID, naming the line.
   */
  constructor(text: string, file: string) {
    this.#document = parseDocument(text, { prettyErrors: false, lineCounter: this.#lines });
    const [syntax] = this.#document.errors;
    if (syntax !== undefined) throw invalid(`${file} is not YAML: ${this.#syntaxFault(syntax)}`);
    visit(this.#document, {
      Pair: (_, { key }) => {
        // A schema would skip it without an error.
        if (isScalar(key) && key.value === '__proto__')
          throw invalid(`${file} has the key __proto__, which cannot be a name`);
      },
    });
    try {
      this.values = this.#document.toJS();
    } catch {
      // The error of the parser names the alias.
      throw invalid(`${file} is not YAML: an alias names no anchor before it, or the aliases expand too far`);
    }
  }

  /** What is wrong with one key, where it is and what is allowed; values that may be a secret are hidden. */
  describe(issue: z.core.$ZodIssue): string {
    const { path } = issue;
    const key = path.map(shownKey).join('.') || '(the whole file)';
    const line = this.#lineOf(path);
    const where = line === undefined ? '' : ` (line ${line})`;
    if (issue.code === 'unrecognized_keys')
      return `${key}: has keys that do not exist: ${issue.keys.map(shownUnknownKey).join(', ')}${where}`;
    if (issue.code === 'invalid_key')
      return `${key}: its name ${issue.issues.map(({ message }) => message).join('; ')}${where}`;
    const value = valueAt(this.values, path);
    const shown = value === undefined ? 'missing' : shownValue(path.map(String).join('.'), value);
    return `${key}: ${shown}: ${issue.message}${where}`;
  }

  #syntaxFault({ code, message, pos }: YAMLError): string {
    const { line, col } = this.#lines.linePos(pos[0]);
    const [words = code] = PLAIN_SYNTAX_ERRORS.has(code) ? message.split(':', 1) : [code];
    return `${words} at line ${line}, column ${col}`;
  }

  /** The line of a key's value, or of the innermost key on its path that the file has. */
  #lineOf(path: readonly PropertyKey[]): number | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range != null) return this.#lines.linePos(node.range[0]).line;
    }
    return undefined;
  }
}

function invalid(message: string): PipelineError {
  return new PipelineError('SETTINGS_INVALID', message);
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined,
    values,
  );
}

function shownKey(key: PropertyKey): string {
  const text = String(key);
  return typeof key === 'number' || HARMLESS_NAME.test(text) ? text : shownUnknownKey(text);
}

/** A secret can be written as a key: `{ token:abc }`, without a blank, is the key "token:abc". */
function shownUnknownKey(key: string): string {
  return HARMLESS_KEY.test(key) ? key : '(hidden)';
}

function shownValue(key: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    if (SECRET_KEY.test(key)) return 'hidden';
    if (typeof value !== 'string') return String(value);
    return HARMLESS_TEXT.test(value) ? JSON.stringify(value) : 'hidden';
  }
  const isEmpty = Object.keys(value).length === 0;
  if (Array.isArray(value)) return isEmpty ? '[]' : '[…]';
  return isEmpty ? '{}' : '{…}';
}
