import { isJsonObject, valueAtPath, type JsonObject } from '../../lib/json-path.ts';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';
import { ArrayFinder } from './array-finder.ts';
import { ContentReader } from './content-reader.ts';
import { errorMember, foreignText, nextPageMember, quotedName } from './foreign-content.ts';

/** Options of an {@link EnvelopeReader}. */
export interface EnvelopeReaderOptions {
  /** The path of the array of records in the content, as `data.items`. */
  readonly path: string;
  /** Names the source in errors, as `source pearson`. */
  readonly subject: string;
  /** The largest valid record in bytes. */
  readonly recordBytes: number;
  /** Whether other pages are read too. If not, a member that refers to a next page is an error. */
  readonly isPaged: boolean;
}

/** The largest size of what is beside the records, in bytes, since it is held in memory. */
const MAX_BESIDE_BYTES = 8 << 20;

/** Takes the place of the records when the rest is parsed. */
const PLACEHOLDER = '\ud800records';

const OPEN_BRACE = '{'.charCodeAt(0);
const OPEN_BRACKET = '['.charCodeAt(0);
const LESS_THAN = '<'.charCodeAt(0);

/** The number of members that an error names. */
const MAX_NAMED = 10;

/**
 * Reads the records of decompressed content that is one JSON object with an array of them at a path. Streams the records,
 * and keeps the other members.
 */
export class EnvelopeReader {
  readonly #options: EnvelopeReaderOptions;
  readonly #finder: ArrayFinder;
  readonly #reader: ContentReader;
  readonly #before: Buffer[] = [];
  readonly #after: Buffer[] = [];
  #besideBytes = 0;
  #isFound = false;
  #isPastArray = false;
  #members: JsonObject = {};
  #isNull = false;

  constructor(options: EnvelopeReaderOptions) {
    this.#options = options;
    this.#finder = new ArrayFinder(options.path.split('.'));
    this.#reader = new ContentReader({ ...options, format: 'json-array', isEmbedded: true });
  }

  /** The number of records read. */
  get records(): number {
    return this.#reader.records;
  }

  /** Whether any record is valid. */
  get hasGood(): boolean {
    return this.#reader.hasGood;
  }

  /** Whether the content has null in place of the array, as servers in Go send an empty list. Only with pages. */
  get isNull(): boolean {
    return this.#isNull;
  }

  /** The content without its records, after its end. */
  get members(): JsonObject {
    return this.#members;
  }

  /**
   * Returns the records that end in these bytes.
   * @throws {PipelineError} SOURCE_MALFORMED, SOURCE_PAGED, SOURCE_TOO_LARGE
   */
  push(bytes: Buffer): Buffer[] {
    if (this.#isPastArray) {
      this.#keep(this.#after, bytes);
      return [];
    }
    const start = this.#isFound ? 0 : this.#findArray(bytes);
    if (start === -1) return [];
    const found = this.#reader.push(bytes.subarray(start));
    const { rest } = this.#reader;
    this.#isPastArray = rest !== undefined;
    if (rest !== undefined) this.#keep(this.#after, rest);
    return found;
  }

  /**
   * Ends the content. All records have been returned before.
   * @throws {PipelineError} SOURCE_CUT if it ends before its object does; SOURCE_MALFORMED if it has no array at the path,
   * or is an error; SOURCE_PAGED
   */
  end(): Buffer[] {
    if (!this.#isFound) {
      this.#acceptNull();
      return [];
    }
    const found = this.#reader.end();
    const members = this.#parse(JSON.stringify(PLACEHOLDER));
    if (members === undefined)
      throw this.#error('SOURCE_CUT', 'ends before its JSON object does, or is no JSON');
    if (valueAtPath(members, this.#options.path) !== PLACEHOLDER)
      throw this.#malformed(`has ${quotedName(this.#options.path)} twice`);
    this.#requireNoError(members);
    this.#requireOnlyPage(members);
    this.#members = members;
    return found;
  }

  #findArray(bytes: Buffer): number {
    const start = this.#finder.push(bytes);
    this.#requireObject();
    this.#isFound = start !== -1;
    this.#keep(this.#before, this.#isFound ? bytes.subarray(0, start) : bytes);
    return start;
  }

  #keep(kept: Buffer[], bytes: Buffer): void {
    this.#besideBytes += bytes.length;
    if (this.#besideBytes > MAX_BESIDE_BYTES)
      throw this.#error(
        'SOURCE_TOO_LARGE',
        `has more than ${MAX_BESIDE_BYTES >> 20} MiB beside its array ${quotedName(this.#options.path)}`,
      );
    // Copied, since the caller may reuse the memory.
    kept.push(Buffer.from(bytes));
  }

  #requireObject(): void {
    const { firstByte } = this.#finder;
    if (firstByte === undefined || firstByte === OPEN_BRACE) return;
    if (firstByte === LESS_THAN) throw this.#malformed('begins with "<", as a web page or XML does');
    if (firstByte === OPEN_BRACKET)
      throw this.#malformed('is one JSON array, not an object: leave out the source’s setting records');
    throw this.#malformed('is no JSON object, which the source’s setting records requires');
  }

  /** Parses the content with another value in place of the records; undefined if it is no JSON object. */
  #parse(records: string): JsonObject | undefined {
    const [before, after] = [this.#before, this.#after].map((kept) => Buffer.concat(kept).toString('utf8'));
    try {
      const value: unknown = JSON.parse(
        `${(before ?? '').replace(/^\ufeff+/, '')}${records}${(after ?? '').replace(/\ufeff+\s*$/, '')}`,
      );
      return isJsonObject(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Accepts a page with null in place of the array, which the paging requires to be the last. */
  #acceptNull(): void {
    const { path, isPaged } = this.#options;
    if (!this.#finder.isPastEnd)
      throw this.#error('SOURCE_CUT', `ends before its array ${quotedName(path)}; it may have been cut`);
    const members = this.#parse('');
    if (members === undefined) throw this.#malformed('is no JSON');
    this.#requireNoError(members);
    if (!isPaged || valueAtPath(members, path) !== null) throw this.#withoutRecords(members);
    this.#isNull = true;
    this.#members = members;
  }

  #withoutRecords(members: JsonObject): PipelineError {
    const { path } = this.#options;
    const value = valueAtPath(members, path);
    if (value !== undefined)
      return this.#malformed(`has no array in ${quotedName(path)}, but ${kindOf(value)}`);
    const names = Object.keys(members).slice(0, MAX_NAMED).map(quotedName);
    const has = names.length === 0 ? 'is an empty object' : `has ${names.join(', ')}`;
    return this.#malformed(`has no ${quotedName(path)}, where the source’s records should be: it ${has}`);
  }

  #requireNoError(members: JsonObject): void {
    const member = errorMember(members);
    if (member !== undefined) throw this.#malformed(`is ${foreignText({ kind: 'error', member })}`);
  }

  #requireOnlyPage(members: JsonObject): void {
    const member = this.#options.isPaged ? undefined : nextPageMember(members);
    if (member === undefined) return;
    throw this.#error('SOURCE_PAGED', `is ${foreignText({ kind: 'page', member })}`);
  }

  #malformed(what: string): PipelineError {
    return this.#error('SOURCE_MALFORMED', what);
  }

  #error(code: ErrorCode, what: string): PipelineError {
    return new PipelineError(code, `the content of ${this.#options.subject} ${what}`);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return isJsonObject(value) ? 'an object' : `a ${typeof value}`;
}
