import { RecordSplitter, type RecordFormat } from './record-splitter.ts';
import { JsonOutline } from './json-outline.ts';
import { PipelineError } from '../../model/errors.ts';
import { checkAttempt } from '../../records/check.ts';
import { foreignOutline, foreignRecord, foreignText, type Foreign } from './foreign-content.ts';

/** How a content is read. */
export interface ContentReaderOptions {
  readonly format: RecordFormat;
  /** Whose content it is, for messages, as `source pearson`. */
  readonly subject: string;
  /** A record over this many bytes is not good. */
  readonly recordBytes: number;
}

/**
 * A record over this size cannot be read at all; one over the setting limits.recordBytes can, and is
 * refused at publish.
 */
const MAX_READABLE_RECORD_BYTES = 64 << 20;

/** So many bytes of a content tell whether its first value is a line of its own. */
const MAX_OUTLINE_BYTES = 1 << 16;

/** A larger record is not described; the last one is kept for that. */
const MAX_DESCRIBED_BYTES = 1 << 20;
const MAX_LAST_BYTES = 1 << 16;

const LESS_THAN = '<'.charCodeAt(0);

const SEVERAL_VALUES = 'has several JSON values, one behind the other';

/**
 * Reads the records of a decompressed content, and refuses by name a content whose records are not where its format
 * says: an array for lines, lines for an array, one object around the records, an error, one page of several.
 */
export class ContentReader {
  records = 0;
  /** Whether any record could land. */
  hasGood = false;
  readonly #options: ContentReaderOptions;
  readonly #splitter: RecordSplitter;
  readonly #outline = new JsonOutline();
  #isOutlining = true;
  /** The bytes that the outline is of. */
  #head: Buffer[] = [];
  /** What the first record is, where it is none. */
  #first: Foreign | undefined;
  /** A copy of the last record. */
  #last: Buffer | undefined;

  constructor(options: ContentReaderOptions) {
    this.#options = options;
    const { format, subject } = options;
    this.#splitter = new RecordSplitter({ format, subject, maxRecordBytes: MAX_READABLE_RECORD_BYTES });
  }

  /**
   * The records that end in these bytes.
   * @throws {PipelineError} SOURCE_MALFORMED, SOURCE_PAGED
   */
  push(bytes: Buffer): Buffer[] {
    if (this.#isOutlining) this.#outlineMore(bytes);
    // Held back until it is known what the object is.
    if (this.#isObjectForArray && this.#isOutlining) return [];
    return this.#look(this.#splitter.push(bytes));
  }

  /**
   * The record that the content's end closes, if any.
   * @throws {PipelineError} SOURCE_MALFORMED, SOURCE_PAGED, SOURCE_CUT
   */
  end(): Buffer[] {
    if (this.#isObjectForArray) throw this.#notArray();
    const found = this.#lastRecords();
    this.#requireLines();
    this.#requireOwn();
    return found;
  }

  get #isObjectForArray(): boolean {
    return this.#options.format === 'json-array' && this.#outline.kind === 'object';
  }

  /** A last line that is no JSON is no sign of a cut where the content is not of lines. */
  #lastRecords(): Buffer[] {
    try {
      return this.#look(this.#splitter.end());
    } catch (error) {
      if (error instanceof PipelineError && error.code === 'SOURCE_CUT') this.#requireLines();
      throw error;
    }
  }

  #outlineMore(bytes: Buffer): void {
    const outline = this.#outline;
    const part = Buffer.from(bytes.subarray(0, MAX_OUTLINE_BYTES - outline.bytes));
    this.#head.push(part);
    outline.push(part);
    const areLinesDue = this.#options.format === 'ndjson';
    const isArrayDue = !areLinesDue && outline.kind === 'array';
    this.#isOutlining = !isArrayDue && !outline.isDone && outline.bytes < MAX_OUTLINE_BYTES;
    if (this.#isObjectForArray && !this.#isOutlining) throw this.#notArray();
    const goesOn = outline.state === 'whole' || (outline.state === 'open' && !this.#isOutlining);
    if (areLinesDue && outline.spansLines && goesOn) throw this.#notLines();
  }

  #look(found: Buffer[]): Buffer[] {
    for (const record of found) {
      if (this.hasGood) break;
      this.hasGood = record.length <= this.#options.recordBytes && checkAttempt(record).fault === undefined;
      if (this.records === 0 && record === found[0] && record.length <= MAX_DESCRIBED_BYTES)
        this.#first = foreignRecord(record.toString('utf8'));
    }
    this.records += found.length;
    const last = found.at(-1);
    if (last !== undefined) this.#last = last.length <= MAX_LAST_BYTES ? Buffer.from(last) : undefined;
    return found;
  }

  /** @throws {PipelineError} SOURCE_MALFORMED where the first value shows that the content is not of lines. */
  #requireLines(): void {
    if (this.#options.format === 'json-array') return;
    const { spansLines, state, after } = this.#outline;
    if (spansLines && state !== 'broken') throw this.#notLines();
    if (this.records <= 1 && !this.hasGood && after === 'on its line')
      throw this.#malformed(`${SEVERAL_VALUES}; its format, ndjson, is one record a line`);
  }

  /** @throws {PipelineError} SOURCE_PAGED, SOURCE_MALFORMED or SOURCE_CUT for what is no record and tells of the whole. */
  #requireOwn(): void {
    const last = this.#last === undefined ? undefined : foreignRecord(this.#last.toString('utf8'));
    const page = [this.#first, last].find((foreign) => foreign?.kind === 'page');
    if (page !== undefined) throw this.#paged(page);
    if (this.#options.format === 'json-array') return;
    if (this.records === 1 && !this.hasGood && this.#foreign !== undefined) throw this.#notLines();
    // In place of the rest, by a server that failed or another before it.
    if (this.#last?.at(0) === LESS_THAN)
      throw this.#error('SOURCE_CUT', 'ends with a web page or XML; it may have been cut there');
    if (last?.kind === 'error')
      throw this.#error('SOURCE_CUT', `ends with ${foreignText(last)}; it may have been cut there`);
  }

  /** What the content's first value is, where it is no record. */
  get #foreign(): Foreign | undefined {
    const { state, wholeBytes } = this.#outline;
    if (this.#first !== undefined) return this.#first;
    if (state !== 'whole') return foreignOutline(this.#outline);
    const text = Buffer.concat(this.#head).toString('utf8', 0, wholeBytes);
    return foreignRecord(text.replace(/^\ufeff+/, ''));
  }

  #notLines(): PipelineError {
    const foreign = this.#foreign;
    if (foreign?.kind === 'page') return this.#paged(foreign);
    const spans = this.#outline.spansLines ? ' that spans lines' : '';
    const what = foreign === undefined ? 'JSON whose records span lines' : `${foreignText(foreign)}${spans}`;
    const advice = foreign?.kind === 'array' ? ': set the source’s format to json-array' : '';
    return this.#malformed(`is ${what}; its format, ndjson, is one record a line${advice}`);
  }

  #notArray(): PipelineError {
    const { spansLines, after } = this.#outline;
    const foreign = this.#foreign;
    if (foreign?.kind === 'page') return this.#paged(foreign);
    const areLines = !spansLines && after !== 'on its line' && (after !== undefined || foreign === undefined);
    const one = foreign === undefined ? 'one JSON object' : foreignText(foreign);
    const whole = after === undefined ? `is ${one}` : SEVERAL_VALUES;
    const advice = areLines ? ': set the source’s format to ndjson' : '';
    return this.#malformed(
      `${areLines ? 'has a JSON object in each line' : whole}; its format, json-array, is one array of the records${advice}`,
    );
  }

  #paged(page: Foreign): PipelineError {
    return this.#error('SOURCE_PAGED', `is ${foreignText(page)}`);
  }

  #malformed(what: string): PipelineError {
    return this.#error('SOURCE_MALFORMED', what);
  }

  #error(code: 'SOURCE_PAGED' | 'SOURCE_MALFORMED' | 'SOURCE_CUT', what: string): PipelineError {
    return new PipelineError(code, `the content of ${this.#options.subject} ${what}`);
  }
}
