import { isUtf8 } from 'node:buffer';
import { ATTEMPT, type ObjectShape, type Shape } from '../model/attempt.ts';
import type { PathCounts } from './check.ts';
import {
  IntegerColumn,
  LongColumn,
  TextColumn,
  TimeColumn,
  columnOf,
  type AnyColumn,
  type Pass,
} from './scan-columns.ts';
import { ScanText, isAt, wanted, type Wanted } from './scan-text.ts';
import { NOT_SO, passSpace } from './scan-value.ts';
import { enlarged } from './texts.ts';

/** Rows that there is room for at first, and a multiple of which there always is. */
const FIRST_ROWS = 1 << 12;
/** However many are expected, since that can be wrong, there is room for so many at first. */
const MOST_FIRST_ROWS = 1 << 20;

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NULL = wanted('null');
const N = 0x6e;

/** A field as the scan meets it. */
interface Field {
  /** Its name in quotes. */
  readonly name: Wanted;
  /** The same with what stands around it where no space does: a comma before it, unless it is the first; and a colon. */
  readonly firstName: Wanted;
  readonly nextName: Wanted;
  /** Its bit among the fields of its object. */
  readonly bit: number;
  readonly required: boolean;
  readonly pass: Pass;
}

/** The fields of an object. */
interface Fields {
  readonly all: readonly Field[];
  /** The bits of those that must be there. */
  readonly required: number;
  /** Which field stood at each place the last time: most objects name theirs in the same order. */
  readonly order: Field[];
}

/** A column of a level. */
export interface LevelColumn {
  /**
   * The path of the field that fills it; of a list, how many items it has. Or what the message says of its place, for
   * which the tables' columns are named.
   */
  readonly name: string;
  readonly column: AnyColumn;
  readonly of: 'field' | 'list' | 'place';
}

/** Where a message stands in Kafka, and whose it is. */
export interface Place {
  readonly source: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970; undefined where the message has no timestamp. */
  readonly publishedMs: number | undefined;
}

/** The attempts, or the items of one of their lists: a row each, in the order in which they stand. */
export class Level {
  /** The path of its items, as `sequences.questions[]`; empty for the attempts themselves. */
  readonly path: string;
  /** The level whose rows have the lists; undefined for the attempts themselves. */
  readonly above: Level | undefined;
  readonly columns: LevelColumn[] = [];
  /** The row above that each row belongs to. */
  of: Int32Array;
  /** Which item of its list each row is, from 0. */
  positions: Int32Array;
  /** Rows kept. */
  rows = 0;
  #begun = 0;

  /** @param room How many rows it has room for at first. */
  constructor(path: string, above: Level | undefined, room: number) {
    this.path = path;
    this.above = above;
    this.of = new Int32Array(room);
    this.positions = new Int32Array(room);
  }

  /** How many rows it has room for. */
  get room(): number {
    return this.of.length;
  }

  /** Begins a row; returns which one it is. */
  begin(above: number, position: number): number {
    const row = this.#begun;
    if (row === this.room) this.#grow(2 * row);
    this.of[row] = above;
    this.positions[row] = position;
    this.#begun += 1;
    return row;
  }

  /** Keeps the rows begun. */
  keep(): void {
    this.rows = this.#begun;
  }

  /** Drops the rows that were begun and not kept. */
  drop(): void {
    for (const { column } of this.columns) column.drop(this.rows, this.#begun);
    this.#begun = this.rows;
  }

  #grow(rows: number): void {
    this.of = enlarged(this.of, new Int32Array(rows));
    this.positions = enlarged(this.positions, new Int32Array(rows));
    for (const { column } of this.columns) column.grow(rows);
  }
}

/**
 * Takes apart, in one pass over a message's bytes, an attempt as nearly all are: strict JSON, each field known, given
 * once and of its type in one of its common forms. Its values come into columns, those of each list's items into columns
 * of their own. What the scan does not take may still be right; only the check says so.
 */
export class AttemptScan {
  /** The attempts, and below them the items of their lists; each after the one that it is below. */
  readonly levels: readonly Level[];
  /** What says of each attempt where its message stands: source, partition, offset, and time of publishing. */
  readonly places: readonly LevelColumn[];
  readonly attempts: Level;
  readonly partition: IntegerColumn;
  readonly offset: LongColumn;
  readonly #levels: Level[];
  readonly #source: TextColumn;
  readonly #publishedAt: TimeColumn;
  readonly #expected: readonly number[];
  readonly #pass: Pass;
  readonly #text = new ScanText();

  /** @param expected About how many rows each level will have, where that is known: it saves growing them. */
  constructor(expected: readonly number[] = []) {
    this.#expected = expected;
    this.attempts = this.#levelOf('', undefined, 0);
    this.#levels = [this.attempts];
    this.levels = this.#levels;
    const { room } = this.attempts;
    this.#source = new TextColumn(room);
    this.partition = new IntegerColumn(room);
    this.offset = new LongColumn(room);
    this.#publishedAt = new TimeColumn(room);
    this.places = [
      { name: 'source', column: this.#source, of: 'place' },
      { name: 'kafka_partition', column: this.partition, of: 'place' },
      { name: 'kafka_offset', column: this.offset, of: 'place' },
      { name: 'published_at', column: this.#publishedAt, of: 'place' },
    ];
    this.attempts.columns.push(...this.places);
    this.#pass = this.#passOf(ATTEMPT, '', this.attempts);
  }

  /** Takes a message, if it is such an attempt; else nothing of it stays. */
  takes(payload: Buffer, place: Place): boolean {
    if (!isUtf8(payload)) return false;
    const text = this.#text.take(payload);
    const row = this.attempts.begin(0, 0);
    const end = this.#pass(text, passSpace(text, 0), row);
    const isTaken = end !== NOT_SO && passSpace(text, end) === payload.length;
    if (isTaken) this.#place(row, place);
    for (const level of this.#levels) {
      if (isTaken) level.keep();
      else level.drop();
    }
    return isTaken;
  }

  /** How many values other than null the messages taken have of each known field. */
  values(): PathCounts {
    const columns = this.#levels.flatMap((level) => level.columns);
    const met = columns.filter(({ column, of }) => of === 'field' && column.count > 0);
    return new Map(met.map(({ name, column }) => [name, column.count]));
  }

  #place(row: number, { source, partition, offset, publishedMs }: Place): void {
    this.#source.set(row, source);
    this.partition.set(row, partition);
    this.offset.set(row, offset);
    if (publishedMs === undefined) return;
    const seconds = Math.floor(publishedMs / 1000);
    this.#publishedAt.set(row, seconds, (publishedMs - seconds * 1000) * 1000);
  }

  #passOf(shape: Shape, path: string, level: Level): Pass {
    if (shape.kind === 'object') return objectPass(this.#fieldsOf(shape, path, level));
    if (shape.kind === 'leaf') {
      const { column, pass } = columnOf(shape.type, level.room);
      level.columns.push({ name: path, column, of: 'field' });
      return pass;
    }
    const lengths = new IntegerColumn(level.room);
    level.columns.push({ name: path, column: lengths, of: 'list' });
    const items = this.#levelOf(`${path}[]`, level, this.#levels.length);
    this.#levels.push(items);
    return listPass(objectPass(this.#fieldsOf(shape.item, items.path, items)), items, lengths);
  }

  #levelOf(path: string, above: Level | undefined, place: number): Level {
    const rows = Math.min(Math.max(FIRST_ROWS, this.#expected[place] ?? 0), MOST_FIRST_ROWS);
    return new Level(path, above, Math.ceil(rows / FIRST_ROWS) * FIRST_ROWS);
  }

  #fieldsOf({ fields }: ObjectShape, path: string, level: Level): Fields {
    const all = Object.entries(fields).map(([name, shape], at) => ({
      name: wanted(JSON.stringify(name)),
      firstName: wanted(`${JSON.stringify(name)}:`),
      nextName: wanted(`,${JSON.stringify(name)}:`),
      bit: 1 << at,
      required: shape.required,
      pass: this.#passOf(shape, path === '' ? name : `${path}.${name}`, level),
    }));
    const required = all.filter((field) => field.required).reduce((bits, { bit }) => bits | bit, 0);
    return { all, required, order: [...all] };
  }
}

function objectPass(fields: Fields): Pass {
  return (text, at, row) => passObject(text, at, row, fields);
}

function passObject(text: DataView, from: number, row: number, fields: Fields): number {
  if (text.getUint8(from) !== OPEN_BRACE) return NOT_SO;
  let at = from + 1;
  let seen = 0;
  for (let place = 0; text.getUint8(at) !== CLOSE_BRACE; place += 1) {
    const usual = fields.order[place];
    let field: Field | undefined;
    if (usual !== undefined && isAt(text, at, place === 0 ? usual.firstName : usual.nextName)) {
      field = usual;
      at += (place === 0 ? field.firstName : field.nextName).length;
    } else {
      at = passSpace(text, at);
      if (text.getUint8(at) === CLOSE_BRACE) break;
      if (place > 0) {
        if (text.getUint8(at) !== COMMA) return NOT_SO;
        at = passSpace(text, at + 1);
      }
      field = fieldAt(text, at, fields, place);
      if (field === undefined) return NOT_SO;
      at = passSpace(text, at + field.name.length);
      if (text.getUint8(at) !== COLON) return NOT_SO;
      at += 1;
    }
    if ((seen & field.bit) !== 0) return NOT_SO;
    seen |= field.bit;
    at = passValue(text, passSpace(text, at), row, field);
    if (at === NOT_SO) return NOT_SO;
  }
  return (seen & fields.required) === fields.required ? at + 1 : NOT_SO;
}

function fieldAt(text: DataView, at: number, { all, order }: Fields, place: number): Field | undefined {
  for (const field of all) {
    if (!isAt(text, at, field.name)) continue;
    if (place < all.length) order[place] = field;
    return field;
  }
  return undefined;
}

function passValue(text: DataView, at: number, row: number, { required, pass }: Field): number {
  if (text.getUint8(at) === N) return !required && isAt(text, at, NULL) ? at + NULL.length : NOT_SO;
  return pass(text, at, row);
}

function listPass(passItem: Pass, items: Level, lengths: IntegerColumn): Pass {
  return (text, from, row) => {
    if (text.getUint8(from) !== OPEN_BRACKET) return NOT_SO;
    let at = passSpace(text, from + 1);
    let length = 0;
    if (text.getUint8(at) !== CLOSE_BRACKET) {
      for (;;) {
        at = passItem(text, at, items.begin(row, length));
        if (at === NOT_SO) return NOT_SO;
        length += 1;
        at = passSpace(text, at);
        if (text.getUint8(at) === CLOSE_BRACKET) break;
        if (text.getUint8(at) !== COMMA) return NOT_SO;
        at = passSpace(text, at + 1);
      }
    }
    lengths.set(row, length);
    return at + 1;
  };
}
