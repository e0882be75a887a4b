import { isUtf8 } from 'node:buffer';
import { PipelineError } from '../../model/errors.ts';

/** The format of a source's content: one JSON array, or newline-delimited JSON. */
export type RecordFormat = 'json-array' | 'ndjson';

/** Options of a {@link RecordSplitter}. */
export interface SplitterOptions {
  readonly format: RecordFormat;
  /** The largest record in bytes, since a record must fit in memory; a larger one is an error. */
  readonly maxRecordBytes: number;
  /** Names the source in errors, as `source pearson`. */
  readonly subject: string;
  /** Whether other JSON may follow the array, which {@link RecordSplitter.rest} then returns. */
  readonly isEmbedded?: boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LINE_FEED = 0x0a;
const LESS_THAN = 0x3c;
/** U+FEFF in UTF-8. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** 1 for each byte that is structural outside of strings. */
const STRUCTURAL = new Uint8Array(256);
for (const byte of [QUOTE, COMMA, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE]) STRUCTURAL[byte] = 1;

/** The change of depth at each byte that is structural. */
const NESTING = new Int8Array(256);
for (const byte of [OPEN_BRACKET, OPEN_BRACE]) NESTING[byte] = 1;
for (const byte of [CLOSE_BRACKET, CLOSE_BRACE]) NESTING[byte] = -1;

/**
 * Splits a stream of bytes into records without parsing them: the elements of one JSON array, or the lines of
 * newline-delimited JSON. A record with invalid JSON whose end is still clear is returned unchanged, to be quarantined
 * alone.
 */
export class RecordSplitter {
  /** The bytes after an embedded array, of the push in which it ended; undefined before its end. */
  rest: Buffer | undefined;
  readonly #options: SplitterOptions;
  /** Bytes of the content before the current push. */
  #consumed = 0;
  /** The start of a record that continues in the next push. */
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #state: 'before' | 'first' | 'element' | 'after' = 'before';
  #depth = 0;
  /** Bytes read of a byte order mark outside of records. */
  #markBytes = 0;
  #inString = false;
  #escaped = false;

  constructor(options: SplitterOptions) {
    this.#options = options;
  }

  /**
   * Returns the records that end in these bytes.
   * @throws {PipelineError} SOURCE_MALFORMED, with the offset.
   */
  push(bytes: Buffer): Buffer[] {
    const records: Buffer[] = [];
    let from = 0;
    if (this.#state !== 'element') from = this.#skipOutside(bytes, 0);
    while (from < bytes.length) {
      const end =
        this.#options.format === 'ndjson' ? bytes.indexOf(LINE_FEED, from) : this.#elementEnd(bytes, from);
      if (end === -1) {
        this.#carry(bytes.subarray(from));
        break;
      }
      this.#emit(this.#join(bytes.subarray(from, end)), records, end);
      from = end + 1;
      if (this.#state !== 'element') from = this.#skipOutside(bytes, from);
    }
    this.#consumed += bytes.length;
    return records;
  }

  /**
   * Ends the content and returns its last record, if it was not returned yet.
   * @throws {PipelineError} SOURCE_CUT if the content ends before its array does, or its last line has no line end and is
   * no JSON.
   */
  end(): Buffer[] {
    const records: Buffer[] = [];
    if (this.#options.format === 'ndjson') {
      this.#emit(this.#join(Buffer.alloc(0)), records, 0);
      if (!records.every(isJson)) throw this.#cut('ends with a line that has no line end and is no JSON');
      return records;
    }
    if (this.#state === 'before') throw this.#cut('is empty where a JSON array should begin');
    if (this.#state !== 'after') throw this.#cut('ends before its JSON array does');
    return records;
  }

  /** Skips bytes outside of records; returns the offset of the next record. */
  #skipOutside(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      if (this.#leaves(bytes, at)) return bytes.length;
      const byte = bytes[at] ?? 0;
      if (this.#isByteOrderMark(byte, at) || isSpace(byte)) continue;
      this.#requireExpected(byte, at);
      if (this.#options.format === 'ndjson' || (this.#state === 'first' && byte !== CLOSE_BRACKET)) {
        this.#state = 'element';
        return at;
      }
      if (this.#state === 'first') this.#state = 'after';
      else if (byte === OPEN_BRACKET) this.#state = 'first';
      else throw this.#malformed(at, 'does not begin with "[", so it is no JSON array');
    }
    return bytes.length;
  }

  /** Leaves the bytes after an embedded array to the caller; returns whether they begin here. */
  #leaves(bytes: Buffer, at: number): boolean {
    const isRest = this.#state === 'after' && this.#options.isEmbedded === true;
    if (isRest) this.rest = bytes.subarray(at);
    return isRest;
  }

  #requireExpected(byte: number, at: number): void {
    if (this.#state === 'after') throw this.#malformed(at, 'continues after the end of its JSON array');
    if (this.#state === 'before') this.#requireText(byte, at);
  }

  /** A byte order mark is allowed before and after an array; before a record, `trim` removes it. */
  #isByteOrderMark(byte: number, at: number): boolean {
    const isOutside = this.#state === 'before' || this.#state === 'after';
    if (isOutside && BYTE_ORDER_MARK[this.#markBytes] === byte) {
      this.#markBytes = (this.#markBytes + 1) % BYTE_ORDER_MARK.length;
      return true;
    }
    if (this.#markBytes > 0)
      throw this.#malformed(at, 'has a part of a byte order mark; perhaps it is not UTF-8');
    return false;
  }

  /** Names what most often comes instead of JSON. */
  #requireText(byte: number, at: number): void {
    if (byte === 0 || byte === 0xfe || byte === 0xff)
      throw this.#malformed(at, 'is not UTF-8; perhaps UTF-16');
    if (byte === LESS_THAN) throw this.#malformed(at, 'begins with "<", as a web page or XML does');
  }

  /** Returns the offset of the comma or bracket after the current element, or -1 if it continues. */
  #elementEnd(bytes: Buffer, from: number): number {
    let depth = this.#depth;
    let at = from;
    for (;;) {
      if (this.#inString) {
        at = this.#stringEnd(bytes, at);
        if (at === -1) break;
      }
      at = structuralAt(bytes, at);
      if (at >= bytes.length) break;
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) this.#inString = true;
      else if (depth === 0 && NESTING[byte] !== 1) {
        this.#endElement(byte, at);
        return at;
      } else depth += NESTING[byte] ?? 0;
      at += 1;
    }
    this.#depth = depth;
    return -1;
  }

  /** Ends the current element at the comma or bracket after it. */
  #endElement(byte: number, at: number): void {
    if (byte === CLOSE_BRACE) throw this.#malformed(at, 'has a "}" that closes nothing');
    this.#depth = 0;
    if (byte === CLOSE_BRACKET) this.#state = 'after';
  }

  /** Returns the offset after the current string's closing quote, or -1 if it continues. */
  #stringEnd(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      if (this.#escaped) {
        this.#escaped = false;
        continue;
      }
      const byte = bytes[at];
      if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at + 1;
      }
    }
    return -1;
  }

  #emit(record: Buffer, records: Buffer[], at: number): void {
    const trimmed = trim(record);
    if (this.#options.format === 'json-array') {
      if (trimmed.length === 0) throw this.#malformed(at, 'has a comma with no element beside it');
    }
    if (trimmed.length > this.#options.maxRecordBytes) throw this.#tooLong(at);
    if (trimmed.length > 0) records.push(trimmed);
  }

  #carry(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#carriedBytes += bytes.length;
    if (this.#carriedBytes > this.#options.maxRecordBytes) throw this.#tooLong(bytes.length);
    // Copied, since the reader may reuse the memory.
    this.#carried.push(Buffer.from(bytes));
  }

  #join(last: Buffer): Buffer {
    if (this.#carried.length === 0) return last;
    const whole = Buffer.concat([...this.#carried, last]);
    this.#carried = [];
    this.#carriedBytes = 0;
    return whole;
  }

  #tooLong(at: number): PipelineError {
    return this.#malformed(at, `has a record of more than ${this.#options.maxRecordBytes} bytes`);
  }

  /** Returns the error for truncated content, once all bytes are pushed. */
  #cut(what: string): PipelineError {
    return this.#error('SOURCE_CUT', 0, `${what}; it may have been cut`);
  }

  #malformed(at: number, what: string): PipelineError {
    return this.#error('SOURCE_MALFORMED', at, what);
  }

  #error(code: 'SOURCE_MALFORMED' | 'SOURCE_CUT', at: number, what: string): PipelineError {
    const position = `byte ${this.#consumed + at}`;
    return new PipelineError(code, `the content of ${this.#options.subject} ${what} (at ${position})`);
  }
}

/** Returns the offset of the next byte that is structural outside of strings, or the end of the bytes. */
function structuralAt(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && STRUCTURAL[bytes[at] ?? 0] === 0) at += 1;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Returns a record without surrounding spaces and leading byte order marks. */
function trim(record: Buffer): Buffer {
  let from = 0;
  let to = record.length;
  for (;;) {
    while (from < to && isSpace(record[from] ?? 0)) from += 1;
    if (!hasMarkAt(record, from)) break;
    from += BYTE_ORDER_MARK.length;
  }
  while (to > from && isSpace(record[to - 1] ?? 0)) to -= 1;
  return record.subarray(from, to);
}

function hasMarkAt(record: Buffer, at: number): boolean {
  const [first, second, third] = BYTE_ORDER_MARK;
  return record[at] === first && record[at + 1] === second && record[at + 2] === third;
}

function isJson(text: Buffer): boolean {
  if (!isUtf8(text)) return false;
  try {
    JSON.parse(text.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
