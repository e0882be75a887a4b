import { isUtf8 } from 'node:buffer';
import { defaultShape } from './contracts.ts';
import type { RecordShape } from './shape.ts';
import { FieldTally } from '../model/field-counts.ts';
import type { PathCounts } from './check.ts';
import { formatName, joinPath } from './field-paths.ts';
import { FieldBuilder, type BuiltShape } from './field-builder.ts';
import { RowSet, type RowRole, type ScanColumn } from './scan-columns.ts';
import { Scanner } from './scanner.ts';

/** The initial capacity in rows; capacities are multiples of it. */
const INITIAL_ROWS = 1 << 12;
/** The largest initial capacity, since the expected number of rows can be wrong. */
const MAX_INITIAL_ROWS = 1 << 20;

/** Released scanners for reuse; limited in number and size. */
const FREE_SCANNERS: Scanner[] = [];
const MAX_FREE_SCANNERS = 3;
const MAX_FREE_SCANNER_BYTES = 96 << 20;

/** The bits of the result of `parseAttempt` of `scanner/index.ts`. */
const ACCEPTED = 1;
const UNKNOWN_FULL = 2;

/** A message's Kafka position, source and headers. */
export interface MessageMetadata {
  readonly source: string;
  readonly headers: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970; undefined if the message has no timestamp. */
  readonly publishedMs: number | undefined;
}

/**
 * Parses attempts into columns in one pass over their bytes; the items of each list have columns of their own. Accepts
 * what the check accepts; the check gives the reason why it rejects the others.
 */
export class AttemptScan {
  /** The attempts and the items of their lists, each after its parent level. */
  readonly levels: readonly RowSet[];
  /** The metadata of each attempt's message: source, partition, offset and timestamp. */
  readonly metadataColumns: readonly ScanColumn[];
  readonly attempts: RowSet;
  readonly headers: ScanColumn;
  readonly partition: ScanColumn;
  readonly offset: ScanColumn;
  readonly #scanner: Scanner;
  readonly #levels: RowSet[] = [];
  readonly #expected: readonly number[];
  readonly #source: LastText;
  readonly #headers: LastText;
  readonly #shapes: readonly BuiltShape[];
  readonly #unknown = new FieldTally();
  #isReleased = false;

  /**
   * @param expected The expected number of rows of each level, to avoid growing the columns.
   * @param shape The shape of the attempts.
   */
  constructor(expected: readonly number[] = [], shape: RecordShape = defaultShape()) {
    this.#scanner = FREE_SCANNERS.pop() ?? new Scanner();
    this.#scanner.reset();
    this.#expected = expected;
    this.attempts = this.#levelOf('record', '', undefined);
    this.levels = this.#levels;
    const source = this.attempts.column('source', 'metadata', 'VARCHAR');
    this.headers = this.attempts.column('headers', 'metadata', 'VARCHAR');
    this.partition = this.attempts.column('kafka_partition', 'metadata', 'INTEGER');
    this.offset = this.attempts.column('kafka_offset', 'metadata', 'BIGINT');
    const publishedAt = this.attempts.column('published_at', 'metadata', 'TIMESTAMPTZ');
    this.metadataColumns = [source, this.partition, this.offset, publishedAt];
    this.#source = new LastText(source);
    this.#headers = new LastText(this.headers);
    const builder = new FieldBuilder(this.#scanner, this.#levelOf.bind(this));
    this.#shapes = builder.shapes;
    this.#scanner.exports.setAttempts(
      this.attempts.address,
      builder.buildRecord(shape, this.attempts),
      source.address,
      this.headers.address,
      this.partition.address,
      this.offset.address,
      publishedAt.address,
    );
  }

  /** Adds a message's rows and returns true, or adds nothing and returns false if the scan rejects it. */
  tryAdd(
    payload: Buffer,
    { source, headers, partition, offset, publishedMs = NaN }: MessageMetadata,
  ): boolean {
    if (!isUtf8(payload)) return false;
    const sourceNumber = this.#source.numberOf(source);
    const headersNumber = this.#headers.numberOf(headers);
    this.#scanner.put(payload);
    const { parseAttempt } = this.#scanner.exports;
    const result = parseAttempt(payload.length, sourceNumber, headersNumber, partition, offset, publishedMs);
    if ((result & UNKNOWN_FULL) !== 0) this.#takeUnknown();
    return (result & ACCEPTED) !== 0;
  }

  /** Returns the number of non-null values of each known field. */
  values(): PathCounts {
    const columns = this.#levels.flatMap((level) => level.columns);
    const present = columns.filter(({ role, count }) => role === 'field' && count > 0);
    return new Map(present.map(({ name, count }) => [name, count]));
  }

  /** Counts the unknown fields of the accepted attempts. */
  get unknown(): FieldTally {
    this.#takeUnknown();
    return this.#unknown;
  }

  /** Moves the counts of unknown fields from the scanner's memory, which they would fill. */
  #takeUnknown(): void {
    const { exports, memory } = this.#scanner;
    for (const { address, path, fields } of this.#shapes) {
      const names = exports.countNames(address);
      if (names === fields) continue;
      const starts = new Int32Array(memory, exports.nameStartsOf(address), names + 1);
      const bytes = Buffer.from(memory, exports.nameBytesOf(address), starts[names]);
      const counts = new Int32Array(memory, exports.unknownCountsOf(address), names - fields);
      for (const [at, count] of counts.entries()) {
        if (count === 0) continue;
        const name = bytes.toString('utf8', starts[fields + at], starts[fields + at + 1]);
        this.#unknown.addAll([[joinPath(path, formatName(name)), count]]);
      }
      exports.clearUnknown(address);
    }
  }

  /** The memory of its columns in bytes. */
  get memoryBytes(): number {
    return this.#scanner.memory.byteLength;
  }

  /** Frees its memory, after which nothing of it may be read. Idempotent. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (FREE_SCANNERS.length < MAX_FREE_SCANNERS && this.#scanner.memory.byteLength <= MAX_FREE_SCANNER_BYTES)
      FREE_SCANNERS.push(this.#scanner);
  }

  #levelOf(role: RowRole, path: string, above: RowSet | undefined): RowSet {
    const expected = this.#expected[this.#levels.length] ?? 0;
    const rows = Math.min(Math.max(INITIAL_ROWS, expected), MAX_INITIAL_ROWS);
    const level = new RowSet(this.#scanner, role, path, above, Math.ceil(rows / INITIAL_ROWS) * INITIAL_ROWS);
    this.#levels.push(level);
    return level;
  }
}

/** Caches the index of a column's last string, since most are the same as the previous one. */
class LastText {
  readonly #column: ScanColumn;
  #last: { readonly text: string; readonly number: number } | undefined;

  constructor(column: ScanColumn) {
    this.#column = column;
  }

  numberOf(text: string): number {
    if (text !== this.#last?.text) this.#last = { text, number: this.#column.addText(text) };
    return this.#last.number;
  }
}
