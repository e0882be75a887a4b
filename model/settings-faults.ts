import { isScalar, LineCounter, parseDocument, visit, type Document, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { PipelineError } from './errors.ts';
import { lineOfPath } from './yaml-lines.ts';

/** Text that may be shown in an error: a short word, or a small number with a unit. Passwords rarely match. */
const HARMLESS_TEXT = /^(?:[A-Za-z]{0,12}|\d{1,6}[a-z]{0,2})$/;
/** Keys whose value is, or by mistake often becomes, a secret or a URL that contains one. */
const SECRET_KEY = /variable$|url$|file$|nodes\.|pass|secret|token|key|auth|credential|cookie|user/i;
/** Keys that may be shown: words, as all keys of the settings are. */
const HARMLESS_KEY = /^[A-Za-z]{1,24}$/;
/** Names of sources that may be shown. */
const HARMLESS_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Codes of YAML errors whose messages quote nothing of the file before their first colon. */
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

/** A settings file parsed as YAML, before its keys are validated. */
export class SettingsText {
  readonly values: unknown;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /**
   * Parses YAML 1.2. Errors never quote the file, which may contain a secret by mistake.
   * @param file The file's name, for messages.
   * @throws {PipelineError} SETTINGS_INVALID, naming the line.
   */
  constructor(text: string, file: string) {
    this.#document = parseDocument(text, { prettyErrors: false, lineCounter: this.#lines });
    const [syntax] = this.#document.errors;
    if (syntax !== undefined) throw invalid(`${file} is not YAML: ${this.#syntaxFault(syntax)}`);
    visit(this.#document, {
      Pair: (_, { key }) => {
        // The schema would silently ignore it.
        if (isScalar(key) && key.value === '__proto__')
          throw invalid(`${file} has the key __proto__, which cannot be a name`);
      },
    });
    try {
      this.values = this.#document.toJS();
    } catch {
      // The parser's error quotes the alias.
      throw invalid(`${file} is not YAML: an alias names no anchor before it, or the aliases expand too far`);
    }
  }

  /** Returns the key, line, value and rule of one issue; values that may be secrets are hidden. */
  describe(issue: z.core.$ZodIssue): string {
    const { path } = issue;
    const key = path.map(shownKey).join('.') || '(the whole file)';
    const line = lineOfPath(this.#document, this.#lines, path);
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
}

function invalid(message: string): PipelineError {
  return new PipelineError('SETTINGS_INVALID', message);
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (parent, key) =>
      typeof parent === 'object' && parent !== null
        ? (parent as Record<PropertyKey, unknown>)[key]
        : undefined,
    values,
  );
}

function shownKey(key: PropertyKey): string {
  const text = String(key);
  return typeof key === 'number' || HARMLESS_NAME.test(text) ? text : shownUnknownKey(text);
}

/** Hides unusual keys, since a secret can become part of a key: `{ token:abc }`, without a blank, is the key "token:abc". */
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
