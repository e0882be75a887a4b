import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type ObjectShape, type Shape } from './attempt.ts';
import type { PathCounts } from './check.ts';
import { RowSet, COLUMN_TYPE_OF, type ScanColumn } from './scan-columns.ts';
import { Scanner, type Address } from './scanner.ts';

/** Rows that there is room for at first, and a multiple of which there always is. */
const INITIAL_ROWS = 1 << 12;
/** However many are expected, since that can be wrong, there is room for so many at first. */
const MAX_INITIAL_ROWS = 1 << 20;

/** Scanners that are free, of which a few are kept, those that did not have to grow far. */
const FREE_SCANNERS: Scanner[] = [];
const MAX_FREE_SCANNERS = 3;
const MAX_FREE_SCANNER_BYTES = 96 << 20;

/** What a field holds, as `scanner/objects.ts` numbers it. */
const KINDS = ['text', 'integer', 'boolean', 'timestamp', 'epoch', 'object', 'list'] as const;

/** Where a message stands in Kafka, whose it is, and its headers. */
export interface MessageMetadata {
  readonly source: string;
  readonly headers: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970; undefined where the message has no timestamp. */
  readonly publishedMs: number | undefined;
}

/**
 * Takes apart, in one pass over a message's bytes, an attempt as nearly all are: strict JSON, each field known, given
 * once and of its type in one of its common forms. Its values come into columns, those of each list's items into columns
 * of their own. What the scan does not take may still be right; only the check says so.
 */
export class AttemptScan {
  /** The attempts, and below them the items of their lists; each after the one that it is below. */
  readonly levels: readonly RowSet[];
  /** What says of each attempt where its message stands: source, partition, offset, and time of publishing. */
  readonly places: readonly ScanColumn[];
  readonly attempts: RowSet;
  readonly headers: ScanColumn;
  readonly partition: ScanColumn;
  readonly offset: ScanColumn;
  readonly #scanner: Scanner;
  readonly #levels: RowSet[] = [];
  readonly #expected: readonly number[];
  readonly #source: LastText;
  readonly #headers: LastText;
  #isReleased = false;

  /**
   * @param expected About how many rows each level will have, where that is known: it saves growing them.
   * @param shape What the attempts are.
   */
  constructor(expected: readonly number[] = [], shape: ObjectShape = ATTEMPT) {
    this.#scanner = FREE_SCANNERS.pop() ?? new Scanner();
    this.#scanner.exports.reset();
    this.#expected = expected;
    this.attempts = this.#levelOf('', undefined);
    this.levels = this.#levels;
    const source = this.attempts.column('source', 'place', 'VARCHAR');
    this.headers = this.attempts.column('headers', 'place', 'VARCHAR');
    this.partition = this.attempts.column('kafka_partition', 'place', 'INTEGER');
    this.offset = this.attempts.column('kafka_offset', 'place', 'BIGINT');
    const publishedAt = this.attempts.column('published_at', 'place', 'TIMESTAMPTZ');
    this.places = [source, this.partition, this.offset, publishedAt];
    this.#source = new LastText(source);
    this.#headers = new LastText(this.headers);
    this.#scanner.exports.attemptsAre(
      this.attempts.address,
      this.#shapeOf(shape, '', this.attempts),
      source.address,
      this.headers.address,
      this.partition.address,
      this.offset.address,
      publishedAt.address,
    );
  }

  /** Takes a message, if it is such an attempt; else nothing of it stays. */
  takes(
    payload: Buffer,
    { source, headers, partition, offset, publishedMs = NaN }: MessageMetadata,
  ): boolean {
    if (!isUtf8(payload)) return false;
    const sourceNumber = this.#source.numberOf(source);
    const headersNumber = this.#headers.numberOf(headers);
    this.#scanner.put(payload);
    const { takes } = this.#scanner.exports;
    return takes(payload.length, sourceNumber, headersNumber, partition, offset, publishedMs) === 1;
  }

  /** How many values other than null the messages taken have of each known field. */
  values(): PathCounts {
    const columns = this.#levels.flatMap((level) => level.columns);
    const met = columns.filter(({ of, count }) => of === 'field' && count > 0);
    return new Map(met.map(({ name, count }) => [name, count]));
  }

  /** How many bytes its columns and texts take. */
  get memoryBytes(): number {
    return this.#scanner.memory.byteLength;
  }

  /** Lets others have its memory: nothing of it may be looked at any more. Once more, it does nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (FREE_SCANNERS.length < MAX_FREE_SCANNERS && this.#scanner.memory.byteLength <= MAX_FREE_SCANNER_BYTES)
      FREE_SCANNERS.push(this.#scanner);
  }

  #levelOf(path: string, above: RowSet | undefined): RowSet {
    const expected = this.#expected[this.#levels.length] ?? 0;
    const rows = Math.min(Math.max(INITIAL_ROWS, expected), MAX_INITIAL_ROWS);
    const level = new RowSet(this.#scanner, path, above, Math.ceil(rows / INITIAL_ROWS) * INITIAL_ROWS);
    this.#levels.push(level);
    return level;
  }

  #shapeOf({ fields }: ObjectShape, path: string, level: RowSet): Address {
    const members = Object.entries(fields);
    const shape = this.#scanner.exports.newShape(members.length);
    for (const [name, field] of members)
      this.#addField(shape, name, field, path === '' ? name : `${path}.${name}`, level);
    return shape;
  }

  #addField(shape: Address, name: string, field: Shape, path: string, level: RowSet): void {
    const { exports } = this.#scanner;
    const text = Buffer.from(`,${JSON.stringify(name)}:`, 'utf8');
    this.#scanner.put(text);
    const kind = KINDS.indexOf(field.kind === 'leaf' ? field.type : field.kind);
    const made = exports.fieldOf(shape, text.length, Number(field.required), kind);
    if (field.kind === 'leaf') {
      exports.holdsValues(made, level.column(path, 'field', COLUMN_TYPE_OF[field.type]).address);
    } else if (field.kind === 'object') {
      exports.holdsObject(made, this.#shapeOf(field, path, level));
    } else {
      const lengths = level.column(path, 'list', 'INTEGER');
      const items = this.#levelOf(`${path}[]`, level);
      exports.holdsList(made, lengths.address, items.address, this.#shapeOf(field.item, items.path, items));
    }
  }
}

/** The number of a text among those of a column: most are the one before. */
class LastText {
  readonly #column: ScanColumn;
  #last: { readonly text: string; readonly number: number } | undefined;

  constructor(column: ScanColumn) {
    this.#column = column;
  }

  numberOf(text: string): number {
    if (text !== this.#last?.text) this.#last = { text, number: this.#column.textNumber(text) };
    return this.#last.number;
  }
}
