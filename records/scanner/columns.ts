/** Columns that grow row by row, and what passes a value of a JSON text into them. */
import {
  CLOSE_BRACE,
  COMMA,
  MINUS,
  NOT_SO,
  PLUS,
  QUOTE,
  SPACE,
  ZERO,
  byteAt,
  passPlain,
  textEnd,
  unescape,
} from './json';
import { take, takeMore } from './memory';
import { Texts, newTexts, numberOf } from './texts';
import {
  NO_TIME,
  integerAt,
  isTableTime,
  microsAt,
  passDecimals,
  passDigits,
  passZeros,
  passZone,
  secondsAt,
  zoneSecondsAt,
} from './values';

const MICROS: i64 = 1_000_000;
const MOST_INTEGER_DIGITS: usize = 10;
const MOST_EPOCH_DIGITS: usize = 12;
/** Of a time; more than a microsecond needs are rounded. */
const MOST_DECIMALS: usize = 9;

/** Words of four bytes as they stand in memory. */
const TRUE: u32 = 0x6575_7274;
const FALS: u32 = 0x736c_6166;
const E: u32 = 0x65;

/** A column; a row that nothing is set of is null. */
@unmanaged
export class Column {
  /** The addresses of its values, so many bytes each, and of a bit for each row: whether it has a value. */
  values: usize;
  valid: usize;
  bytes: u32;
  /** How many values there are. */
  count: u32;
  /** Of a column of texts, whose values are their numbers. */
  texts: Texts;
  /** The one after it of its level. */
  next: Column | null;
}

/** The rows of a table: the attempts, or the items of one of their lists, in the order in which they stand. */
@unmanaged
export class Level {
  /** The addresses, 32 bits each, of the row above that each row belongs to, and of which item of its list it is. */
  of: usize;
  positions: usize;
  /** Rows kept, rows begun, and rows that there is room for. */
  rows: u32;
  begun: u32;
  room: u32;
  columns: Column | null;
  /** The one that was made before it. */
  next: Level | null;
}

/** @param room How many rows it has room for at first, a multiple of 64. */
export function newLevel(room: u32, next: Level | null): Level {
  const level = changetype<Level>(take(offsetof<Level>()));
  level.of = take(4 * room);
  level.positions = take(4 * room);
  level.room = room;
  level.next = next;
  return level;
}

/** @param bytes How many a value has. */
export function newColumn(level: Level, bytes: u32, hasTexts: bool): Column {
  const column = changetype<Column>(take(offsetof<Column>()));
  column.values = take(bytes * level.room);
  column.valid = take(level.room >> 3);
  column.bytes = bytes;
  if (hasTexts) column.texts = newTexts();
  column.next = level.columns;
  level.columns = column;
  return column;
}

/** Begins a row; returns which one it is. */
export function begin(level: Level, above: u32, position: u32): u32 {
  const row = level.begun;
  if (row === level.room) grow(level);
  store<u32>(level.of + (row << 2), above);
  store<u32>(level.positions + (row << 2), position);
  level.begun = row + 1;
  return row;
}

/** Drops the rows that were begun and not kept. */
export function drop(level: Level): void {
  let column: Column | null = level.columns;
  while (column !== null) {
    for (let row = level.rows; row < level.begun; row += 1) unmark(column, row);
    column = column.next;
  }
  level.begun = level.rows;
}

function grow(level: Level): void {
  const room = level.room;
  level.of = takeMore(level.of, 4 * room, 8 * room);
  level.positions = takeMore(level.positions, 4 * room, 8 * room);
  let column: Column | null = level.columns;
  while (column !== null) {
    column.values = takeMore(column.values, column.bytes * room, 2 * column.bytes * room);
    column.valid = takeMore(column.valid, room >> 3, room >> 2);
    column = column.next;
  }
  level.room = 2 * room;
}

function mark(column: Column, row: u32): void {
  const at = column.valid + (row >> 3);
  const byte: u32 = load<u8>(at);
  store<u8>(at, byte | (1 << (row & 7)));
  column.count += 1;
}

function unmark(column: Column, row: u32): void {
  const at = column.valid + (row >> 3);
  const byte: u32 = load<u8>(at);
  const bit: u32 = 1 << (row & 7);
  if ((byte & bit) === 0) return;
  store<u8>(at, byte & ~bit);
  column.count -= 1;
}

/** Sets a value of 32 bits. */
export function set32(column: Column, row: u32, value: u32): void {
  store<u32>(column.values + (row << 2), value);
  mark(column, row);
}

/** Sets a value of 64 bits. */
export function set64(column: Column, row: u32, value: i64): void {
  store<i64>(column.values + (row << 3), value);
  mark(column, row);
}

/** Passes a text; one with an escape, if its characters are whole. */
export function passText(column: Column, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NOT_SO;
  const from = at + 1;
  const plainEnd = passPlain(from);
  const isPlain = byteAt(plainEnd) === QUOTE;
  const to = isPlain ? plainEnd : unescape(from);
  if (to === NOT_SO) return NOT_SO;
  const end = isPlain ? plainEnd + 1 : textEnd;
  if (!isPlain) noteZeros(column.texts, from, to);
  set32(column, row, numberOf(column.texts, from, to));
  return end;
}

/** Notes whether a text has the character U+0000. */
export function noteZeros(texts: Texts, from: usize, to: usize): void {
  for (let at = from; at < to; at += 1) if (byteAt(at) === 0) texts.hasZero = true;
}

/** Passes a whole number; or its text, which may have a plus, zeros before it, and zeros after a point. */
export function passInteger(column: Column, from: usize, row: u32): usize {
  const isQuoted = byteAt(from) === QUOTE;
  const sign = byteAt(isQuoted ? from + 1 : from);
  const hasSign = sign === MINUS || (isQuoted && sign === PLUS);
  const first = from + (isQuoted ? 1 : 0) + (hasSign ? 1 : 0);
  const last = passDigits(first);
  const digits = last - first;
  if (digits === 0 || digits > MOST_INTEGER_DIGITS) return NOT_SO;
  const size = integerAt(first, last);
  const number = sign === MINUS ? -size : size;
  if (number < (i32.MIN_VALUE as i64) || number > (i32.MAX_VALUE as i64)) return NOT_SO;
  const end = isQuoted ? passQuote(passZeros(last)) : endOfNumber(first, last);
  if (end !== NOT_SO) set32(column, row, number as u32);
  return end;
}

/** What goes on with a fraction or an exponent is left to the check; and a zero stands before no other digit. */
function endOfNumber(first: usize, last: usize): usize {
  if (last - first > 1 && byteAt(first) === ZERO) return NOT_SO;
  const next = byteAt(last);
  return next === COMMA || next === CLOSE_BRACE || next <= SPACE ? last : NOT_SO;
}

/** Passes true or false, or its text. */
export function passBoolean(column: Column, at: usize, row: u32): usize {
  const isQuoted = byteAt(at) === QUOTE;
  const from = isQuoted ? at + 1 : at;
  const word = load<u32>(from);
  const isTrue = word === TRUE;
  if (!isTrue && (word !== FALS || byteAt(from + 4) !== E)) return NOT_SO;
  const wordEnd = from + (isTrue ? 4 : 5);
  const end = isQuoted ? passQuote(wordEnd) : wordEnd;
  if (end === NOT_SO) return NOT_SO;
  store<u8>(column.values + row, isTrue ? 1 : 0);
  mark(column, row);
  return end;
}

/**
 * Passes the text of a time, as 2018-01-31T12:00:00.000Z, or with an offset in place of the Z; in microseconds, the
 * nearest one. The rules are those of times.ts.
 */
export function passTimestamp(column: Column, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NOT_SO;
  const seconds = secondsAt(at + 1);
  if (seconds === NO_TIME) return NOT_SO;
  const fraction = at + 20;
  const zone = passDecimals(fraction, MOST_DECIMALS);
  const ahead = zoneSecondsAt(zone);
  if (ahead === NO_TIME) return NOT_SO;
  return setTime(column, row, (seconds - ahead) * MICROS + microsAt(fraction), passQuote(passZone(zone)));
}

/** Passes the text of seconds since 1970, with decimals or without; the nearest microsecond is taken. */
export function passEpoch(column: Column, at: usize, row: u32): usize {
  if (byteAt(at) !== QUOTE) return NOT_SO;
  const isNegative = byteAt(at + 1) === MINUS;
  const first = isNegative ? at + 2 : at + 1;
  const last = passDigits(first);
  if (last === first || last - first > MOST_EPOCH_DIGITS) return NOT_SO;
  const micros = integerAt(first, last) * MICROS + microsAt(last);
  return setTime(column, row, isNegative ? -micros : micros, passQuote(passDecimals(last, MOST_DECIMALS)));
}

/** Sets a time, in microseconds, if its text has an end and it is of the years that tables hold; returns that end. */
function setTime(column: Column, row: u32, micros: i64, end: usize): usize {
  if (end === NOT_SO || !isTableTime(micros)) return NOT_SO;
  set64(column, row, micros);
  return end;
}

function passQuote(at: usize): usize {
  return byteAt(at) === QUOTE ? at + 1 : NOT_SO;
}
