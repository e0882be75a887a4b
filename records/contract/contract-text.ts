import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { PipelineError } from '../../model/errors.ts';
import { lineOfPath } from '../../model/yaml-lines.ts';

/** The keys and indexes that lead to a value of the file. */
export type KeyPath = readonly (string | number)[];

/** One thing that is wrong with a contract. */
export interface ContractIssue {
  readonly path: KeyPath;
  readonly what: string;
}

/** The number of issues that an error lists. */
const MAX_LISTED = 20;

/** The longest contract, in bytes of its file; the standard's examples have a hundredth of it. */
const MAX_CONTRACT_BYTES = 4 << 20;

/** A contract's file parsed as YAML, before its keys are validated. */
export class ContractText {
  readonly values: unknown;
  readonly #file: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  /**
   * Parses YAML 1.2.
   * @param file The file's name, for messages.
   * @throws {PipelineError} CONTRACT_INVALID, naming the line
   */
  constructor(text: string, file: string) {
    this.#file = file;
    if (Buffer.byteLength(text) > MAX_CONTRACT_BYTES)
      throw invalid(`${file} has more than the ${MAX_CONTRACT_BYTES} bytes that a contract may have`);
    this.#document = parseDocument(text, { prettyErrors: false, lineCounter: this.#lines });
    const [syntax] = this.#document.errors;
    if (syntax !== undefined) {
      const { line, col } = this.#lines.linePos(syntax.pos[0]);
      throw invalid(`${file} is not YAML: ${syntax.message} at line ${line}, column ${col}`);
    }
    visit(this.#document, {
      Pair: (_, { key }) => {
        if (isScalar(key) && key.value === '__proto__')
          throw invalid(`${file} has the key __proto__, which no contract has`);
      },
    });
    try {
      this.values = this.#document.toJS();
    } catch {
      throw invalid(`${file} is not YAML: an alias names no anchor before it, or the aliases expand too far`);
    }
  }

  /** @throws {PipelineError} CONTRACT_INVALID, listing the issues with their lines, in the order of the file */
  requireNone(issues: readonly ContractIssue[]): void {
    if (issues.length === 0) return;
    const lines = issues
      .map(({ path, what }) => ({ path, what, line: lineOfPath(this.#document, this.#lines, path) ?? 1 }))
      .sort((a, b) => a.line - b.line)
      .slice(0, MAX_LISTED)
      .map(({ path, what, line }) => `  ${formatPath(path)} (line ${line}): ${what}`);
    const more = issues.length > MAX_LISTED ? [`  and ${issues.length - MAX_LISTED} more`] : [];
    throw invalid(`the contract ${this.#file} is not valid:\n${[...lines, ...more].join('\n')}`);
  }
}

function invalid(message: string): PipelineError {
  return new PipelineError('CONTRACT_INVALID', message);
}

function formatPath(path: KeyPath): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return text === '' ? '(the whole file)' : text.replace(/^\./, '');
}
