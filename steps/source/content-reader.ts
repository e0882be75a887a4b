import { RecordSplitter, type RecordFormat } from './record-splitter.ts';
import { JsonOutline } from './json-outline.ts';
import { PipelineError } from '../../model/errors.ts';
import { checkAttempt } from '../../records/check.ts';
import { foreignOutline, foreignRecord, foreignText, type Foreign } from './foreign-content.ts';

/** Options of a {@link ContentReader}. */
export interface ContentReaderOptions {
  readonly format: RecordFormat;
  /** Names the source in errors, as `source pearson`. */
  readonly subject: string;
  /** The largest valid record in bytes. */
  readonly recordBytes: number;
  /** Whether other JSON may follow the array, which {@link ContentReader.rest} then returns. */
  readonly isEmbedded?: boolean;
}

/**
 * A larger record fails the whole content; one that is only over the setting limits.recordBytes is refused at publish.
 */
const MAX_READABLE_RECORD_BYTES = 64 << 20;

/** Leading bytes that are outlined to find whether the first value is a line of its own. */
const MAX_OUTLINE_BYTES = 1 << 16;

/** Larger first and last records are not described in errors. */
const MAX_DESCRIBED_BYTES = 1 << 20;
const MAX_LAST_BYTES = 1 << 16;

const LESS_THAN = '<'.charCodeAt(0);

const SEVERAL_VALUES = 'has several JSON values, one behind the other';

/**
 * Reads the records of decompressed content. Rejects content that does not have its source's format, with an error that
 * names what it is: an array instead of lines or the reverse, an object around the records, an error, one page of several.
 */
export class ContentReader {
  records = 0;
  /** Whether any record is valid. */
  hasGood = false;
  readonly #options: ContentReaderOptions;
  readonly #splitter: RecordSplitter;
  readonly #outline = new JsonOutline();
  #isOutlining = true;
  /** The outlined bytes. */
  #head: Buffer[] = [];
  /** Describes the first record, if it is not an attempt. */
  #first: Foreign | undefined;
  /** A copy of the last record. */
  #last: Buffer | undefined;

  constructor(options: ContentReaderOptions) {
    this.#options = options;
    this.#splitter = new RecordSplitter({ ...options, maxRecordBytes: MAX_READABLE_RECORD_BYTES });
  }

  /** The bytes after an embedded array, of the push in which it ended; undefined before its end. */
  get rest(): Buffer | undefined {
    return this.#splitter.rest;
  }

  /**
   * Returns the records that end in these bytes.
   * @throws {PipelineError} SOURCE_MALFORMED, SOURCE_PAGED
   */
  push(bytes: Buffer): Buffer[] {
    if (this.#isOutlining) this.#outlineMore(bytes);
    // The splitter would only say that it is no array; the outline names what the object is.
    if (this.#isObjectForArray && this.#isOutlining) return [];
    return this.#inspect(this.#splitter.push(bytes));
  }

  /**
   * Ends the content and returns its last record, if it was not returned yet.
   * @throws {PipelineError} SOURCE_MALFORMED, SOURCE_PAGED, SOURCE_CUT
   */
  end(): Buffer[] {
    if (this.#isObjectForArray) throw this.#notArray();
    const found = this.#lastRecords();
    this.#requireLines();
    this.#requireRecords();
    return found;
  }

  get #isObjectForArray(): boolean {
    return this.#options.format === 'json-array' && this.#outline.kind === 'object';
  }

  /** Prefers the error that the content does not have lines over the one that its last line is truncated. */
  #lastRecords(): Buffer[] {
    try {
      return this.#inspect(this.#splitter.end());
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
    const continues = outline.state === 'whole' || (outline.state === 'open' && !this.#isOutlining);
    if (areLinesDue && outline.spansLines && continues) throw this.#notLines();
  }

  #inspect(found: Buffer[]): Buffer[] {
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

  /** @throws {PipelineError} SOURCE_MALFORMED if the first value shows that the content is not one record a line. */
  #requireLines(): void {
    if (this.#options.format === 'json-array') return;
    const { spansLines, state, after } = this.#outline;
    if (spansLines && state !== 'broken') throw this.#notLines();
    if (this.records <= 1 && !this.hasGood && after === 'on its line')
      throw this.#malformed(`${SEVERAL_VALUES}; its format, ndjson, is one record a line`);
  }

  /** @throws {PipelineError} SOURCE_PAGED, SOURCE_MALFORMED or SOURCE_CUT if the first or last value is no record but a page, an error or HTML. */
  #requireRecords(): void {
    const last = this.#last === undefined ? undefined : foreignRecord(this.#last.toString('utf8'));
    const page = [this.#first, last].find((foreign) => foreign?.kind === 'page');
    if (page !== undefined) throw this.#paged(page);
    if (this.#options.format === 'json-array') return;
    if (this.records === 1 && !this.hasGood && this.#foreign !== undefined) throw this.#notLines();
    // An error page in place of the rest, from the server or a proxy.
    if (this.#last?.at(0) === LESS_THAN)
      throw this.#error('SOURCE_CUT', 'ends with a web page or XML; it may have been cut there');
    if (last?.kind === 'error')
      throw this.#error('SOURCE_CUT', `ends with ${foreignText(last)}; it may have been cut there`);
  }

  /** Describes the first value, if it is not an attempt. */
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
