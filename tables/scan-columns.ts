import type { LeafType } from '../model/attempt.ts';
import { clearBit, hasBit, setBit } from '../model/bits.ts';
import { WORD_BYTES, isAt, isPlainWord, wanted } from './scan-text.ts';
import {
  MINUS,
  NOT_SO,
  PLUS,
  QUOTE,
  SPACE,
  ZERO,
  integerAt,
  microsAt,
  passDecimals,
  passDigits,
  passPlain,
  passQuote,
  passText,
  passZeros,
  passZone,
  secondsAt,
  zoneSecondsAt,
} from './scan-value.ts';
import { Texts, endOfHash, enlarged, mixed } from './texts.ts';

const BITS = 8;
const MICROS = 1_000_000;
const WORD = 2 ** 32;
const INTEGER_MIN = -(2 ** 31);
const INTEGER_MAX = 2 ** 31 - 1;
const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;

const TRUE = wanted('true');
const FALSE = wanted('false');

/**
 * A column that grows row by row; a row that nothing is set of is null. It can go back over the rows of a message that
 * turns out not to be right.
 */
abstract class ScannedColumn {
  /** Of DuckDB. */
  abstract readonly type: 'INTEGER' | 'BIGINT' | 'BOOLEAN' | 'TIMESTAMPTZ' | 'VARCHAR';
  /** A bit for each row: whether it has a value. The lowest of a byte comes first. */
  valid: Uint8Array;
  /** How many values there are. */
  count = 0;

  /** @param rows What it has room for, a multiple of 64. */
  constructor(rows: number) {
    this.valid = new Uint8Array(rows / BITS);
  }

  /** Makes room for so many rows, a multiple of 64. */
  grow(rows: number): void {
    this.valid = enlarged(this.valid, new Uint8Array(rows / BITS));
  }

  /** Takes the values of these rows back. */
  drop(from: number, to: number): void {
    for (let row = from; row < to; row += 1) {
      if (!hasBit(this.valid, row)) continue;
      clearBit(this.valid, row);
      this.count -= 1;
    }
  }

  protected mark(row: number): void {
    setBit(this.valid, row);
    this.count += 1;
  }
}

/** 32 bits each. */
abstract class NarrowColumn extends ScannedColumn {
  values: Int32Array;

  constructor(rows: number) {
    super(rows);
    this.values = new Int32Array(rows);
  }

  override grow(rows: number): void {
    super.grow(rows);
    this.values = enlarged(this.values, new Int32Array(rows));
  }
}

/** Whole numbers of 32 bits. */
export class IntegerColumn extends NarrowColumn {
  override readonly type = 'INTEGER' as const;

  set(row: number, number: number): void {
    this.values[row] = number;
    this.mark(row);
  }

  /** Passes a whole number; or its text, which may have a plus, zeros before it, and zeros after a point. */
  pass(text: DataView, from: number, row: number): number {
    const isQuoted = text.getUint8(from) === QUOTE;
    const sign = text.getUint8(isQuoted ? from + 1 : from);
    const hasSign = sign === MINUS || (isQuoted && sign === PLUS);
    const first = from + (isQuoted ? 1 : 0) + (hasSign ? 1 : 0);
    const last = passDigits(text, first);
    const digits = last - first;
    if (digits === 0 || digits > 10) return NOT_SO;
    const size = integerAt(text, first, last);
    const number = sign === MINUS ? -size : size;
    if (number < INTEGER_MIN || number > INTEGER_MAX) return NOT_SO;
    const end = isQuoted ? passQuote(text, passZeros(text, last)) : endOfNumber(text, first, last);
    if (end !== NOT_SO) this.set(row, number);
    return end;
  }
}

/** What goes on with a fraction or an exponent is left to the check; and a zero stands before no other digit. */
function endOfNumber(text: DataView, first: number, last: number): number {
  if (last - first > 1 && text.getUint8(first) === ZERO) return NOT_SO;
  const next = text.getUint8(last);
  return next === COMMA || next === CLOSE_BRACE || next <= SPACE ? last : NOT_SO;
}

/** True or false, a byte each. */
export class BooleanColumn extends ScannedColumn {
  override readonly type = 'BOOLEAN' as const;
  values: Uint8Array;

  constructor(rows: number) {
    super(rows);
    this.values = new Uint8Array(rows);
  }

  override grow(rows: number): void {
    super.grow(rows);
    this.values = enlarged(this.values, new Uint8Array(rows));
  }

  /** Passes true or false, or its text. */
  pass(text: DataView, at: number, row: number): number {
    const isQuoted = text.getUint8(at) === QUOTE;
    const from = isQuoted ? at + 1 : at;
    const word = isAt(text, from, TRUE) ? TRUE : FALSE;
    if (word === FALSE && !isAt(text, from, FALSE)) return NOT_SO;
    const end = isQuoted ? passQuote(text, from + word.length) : from + word.length;
    if (end === NOT_SO) return NOT_SO;
    this.values[row] = word === TRUE ? 1 : 0;
    this.mark(row);
    return end;
  }
}

/** 64 bits each. */
abstract class WideColumn extends ScannedColumn {
  values: BigInt64Array;
  /** The same memory: of each number the lower half and then the upper one, to be written without a BigInt. */
  protected halves: Int32Array;

  constructor(rows: number) {
    super(rows);
    this.values = new BigInt64Array(rows);
    this.halves = new Int32Array(this.values.buffer);
  }

  override grow(rows: number): void {
    super.grow(rows);
    this.halves = enlarged(this.halves, new Int32Array(2 * rows));
    this.values = new BigInt64Array(this.halves.buffer);
  }
}

/** Whole numbers of 64 bits. */
export class LongColumn extends WideColumn {
  override readonly type = 'BIGINT' as const;

  set(row: number, number: bigint): void {
    this.values[row] = number;
    this.mark(row);
  }
}

/** Times, in microseconds since 1970. */
export class TimeColumn extends WideColumn {
  override readonly type = 'TIMESTAMPTZ' as const;

  /** Sets a time: seconds since 1970, and microseconds to be added. */
  set(row: number, seconds: number, micros: number): void {
    const sum = seconds * MICROS + micros;
    if (Number.isSafeInteger(sum)) {
      this.halves[2 * row] = sum | 0;
      this.halves[2 * row + 1] = Math.floor(sum / WORD);
    } else {
      this.values[row] = BigInt(seconds) * BigInt(MICROS) + BigInt(micros);
    }
    this.mark(row);
  }

  /** Passes the text of a time, as 2018-01-31T12:00:00.000Z, or with an offset in place of the Z. */
  passTimestamp(text: DataView, at: number, row: number): number {
    if (text.getUint8(at) !== QUOTE) return NOT_SO;
    const seconds = secondsAt(text, at + 1);
    if (Number.isNaN(seconds)) return NOT_SO;
    const fraction = at + 20;
    const zone = passDecimals(text, fraction, 6);
    const zoneEnd = passZone(text, zone);
    const end = zoneEnd === NOT_SO ? NOT_SO : passQuote(text, zoneEnd);
    if (end !== NOT_SO) this.set(row, seconds - zoneSecondsAt(text, zone), microsAt(text, fraction));
    return end;
  }

  /** Passes the text of seconds since 1970, with decimals or without; the nearest microsecond is taken. */
  passEpoch(text: DataView, at: number, row: number): number {
    if (text.getUint8(at) !== QUOTE) return NOT_SO;
    const isNegative = text.getUint8(at + 1) === MINUS;
    const first = isNegative ? at + 2 : at + 1;
    const last = passDigits(text, first);
    if (last === first || last - first > 11) return NOT_SO;
    const end = passQuote(text, passDecimals(text, last, 9));
    if (end === NOT_SO) return NOT_SO;
    const seconds = integerAt(text, first, last);
    const micros = microsAt(text, last);
    if (isNegative) this.set(row, -seconds, -micros);
    else this.set(row, seconds, micros);
    return end;
  }
}

/** Texts, each by its number among the different ones. */
export class TextColumn extends NarrowColumn {
  override readonly type = 'VARCHAR' as const;
  readonly texts = new Texts();

  set(row: number, text: string): void {
    this.values[row] = this.texts.numberOf(Buffer.from(text, 'utf8'));
    this.mark(row);
  }

  /** Passes a text; one with an escape, if its characters are whole. */
  pass(text: DataView, at: number, row: number): number {
    if (text.getUint8(at) !== QUOTE) return NOT_SO;
    const from = at + 1;
    let hash = 0;
    let end = from;
    for (let word = text.getInt32(end, true); isPlainWord(word); word = text.getInt32(end, true)) {
      hash = mixed(hash, word);
      end += WORD_BYTES;
    }
    const close = passPlain(text, end);
    if (text.getUint8(close) !== QUOTE) return this.#passEscaped(text, at, row);
    this.values[row] =
      close < end + WORD_BYTES
        ? this.texts.numberAt(text, from, close, endOfHash(hash, text, end, close))
        : this.texts.numberAt(text, from, close);
    this.mark(row);
    return close + 1;
  }

  #passEscaped(text: DataView, at: number, row: number): number {
    const end = passText(text, at);
    if (end === NOT_SO) return NOT_SO;
    const quoted = Buffer.from(text.buffer, text.byteOffset + at, end - at).toString('utf8');
    const meant = JSON.parse(quoted) as string;
    if (!meant.isWellFormed()) return NOT_SO;
    this.set(row, meant);
    return end;
  }
}

/** A column of what a scan passes. */
export type AnyColumn = IntegerColumn | LongColumn | BooleanColumn | TimeColumn | TextColumn;

/**
 * Passes something of a JSON text.
 * @param text As `ScanText` holds it.
 * @param at Where it begins.
 * @param row The row that its values are of.
 * @returns Where it ends; `NOT_SO` where it is not in one of its common forms.
 */
export type Pass = (text: DataView, at: number, row: number) => number;

/** A column for values of a type, with room for so many rows, and what passes one of them into it. */
export function columnOf(type: LeafType, rows: number): { readonly column: AnyColumn; readonly pass: Pass } {
  switch (type) {
    case 'text': {
      const column = new TextColumn(rows);
      return { column, pass: (text, at, row) => column.pass(text, at, row) };
    }
    case 'integer': {
      const column = new IntegerColumn(rows);
      return { column, pass: (text, at, row) => column.pass(text, at, row) };
    }
    case 'boolean': {
      const column = new BooleanColumn(rows);
      return { column, pass: (text, at, row) => column.pass(text, at, row) };
    }
    case 'timestamp': {
      const column = new TimeColumn(rows);
      return { column, pass: (text, at, row) => column.passTimestamp(text, at, row) };
    }
    case 'epoch': {
      const column = new TimeColumn(rows);
      return { column, pass: (text, at, row) => column.passEpoch(text, at, row) };
    }
  }
}
