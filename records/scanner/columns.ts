/** Growing columns of the rows of each level. */
import { allocate, reallocate } from './memory';
import { Texts, newTexts } from './texts';

/** A column; rows without a value are null. */
@unmanaged
export class ColumnBuffer {
  /** Addresses of its values, `bytes` each, and of its validity bitmap. */
  values: usize;
  valid: usize;
  bytes: u32;
  /** The number of non-null values. */
  count: u32;
  /** The distinct strings of a string column, whose values are indexes into them. */
  texts: Texts;
  /** Whether each of the first `judged` distinct strings is accepted, a byte each, and the capacity; see rules.ts. */
  verdicts: usize;
  judged: u32;
  maxVerdicts: u32;
  /** The next column of its level. */
  next: ColumnBuffer | null;
}

/** The rows of one level: the attempts, or the items of one of their lists, in document order. */
@unmanaged
export class Level {
  /** Addresses, 32 bits per row, of each row's parent row and of its index in its list. */
  parents: usize;
  positions: usize;
  /** Accepted rows, rows including those of the current attempt, and the capacity. */
  rows: u32;
  begun: u32;
  room: u32;
  columns: ColumnBuffer | null;
  /** The previously created level. */
  next: Level | null;
}

/**
 * Creates a level without columns.
 * @param room The initial capacity in rows, a multiple of 64.
 */
export function newLevel(room: u32, next: Level | null): Level {
  const level = changetype<Level>(allocate(offsetof<Level>()));
  level.parents = allocate(4 * room);
  level.positions = allocate(4 * room);
  level.room = room;
  level.next = next;
  return level;
}

/**
 * Adds a column to a level.
 * @param bytes The size of a value.
 */
export function newColumn(level: Level, bytes: u32, hasTexts: bool): ColumnBuffer {
  const column = changetype<ColumnBuffer>(allocate(offsetof<ColumnBuffer>()));
  column.values = allocate(bytes * level.room);
  column.valid = allocate(level.room >> 3);
  column.bytes = bytes;
  if (hasTexts) column.texts = newTexts();
  column.next = level.columns;
  level.columns = column;
  return column;
}

/** Adds a row; returns its index. */
export function begin(level: Level, parent: u32, position: u32): u32 {
  const row = level.begun;
  if (row === level.room) grow(level);
  store<u32>(level.parents + (row << 2), parent);
  store<u32>(level.positions + (row << 2), position);
  level.begun = row + 1;
  return row;
}

/** Drops the rows of the current attempt. */
export function drop(level: Level): void {
  let column: ColumnBuffer | null = level.columns;
  while (column !== null) {
    for (let row = level.rows; row < level.begun; row += 1) unmark(column, row);
    column = column.next;
  }
  level.begun = level.rows;
}

function grow(level: Level): void {
  const room = level.room;
  level.parents = reallocate(level.parents, 4 * room, 8 * room);
  level.positions = reallocate(level.positions, 4 * room, 8 * room);
  let column: ColumnBuffer | null = level.columns;
  while (column !== null) {
    column.values = reallocate(column.values, column.bytes * room, 2 * column.bytes * room);
    column.valid = reallocate(column.valid, room >> 3, room >> 2);
    column = column.next;
  }
  level.room = 2 * room;
}

function mark(column: ColumnBuffer, row: u32): void {
  const at = column.valid + (row >> 3);
  const byte: u32 = load<u8>(at);
  store<u8>(at, byte | (1 << (row & 7)));
  column.count += 1;
}

function unmark(column: ColumnBuffer, row: u32): void {
  const at = column.valid + (row >> 3);
  const byte: u32 = load<u8>(at);
  const bit: u32 = 1 << (row & 7);
  if ((byte & bit) === 0) return;
  store<u8>(at, byte & ~bit);
  column.count -= 1;
}

/** Sets a value of 32 bits. */
export function set32(column: ColumnBuffer, row: u32, value: u32): void {
  store<u32>(column.values + (row << 2), value);
  mark(column, row);
}

/** Sets a value of 64 bits. */
export function set64(column: ColumnBuffer, row: u32, value: i64): void {
  store<i64>(column.values + (row << 3), value);
  mark(column, row);
}

/** Sets a 64-bit float. */
export function setDouble(column: ColumnBuffer, row: u32, value: f64): void {
  store<f64>(column.values + (row << 3), value);
  mark(column, row);
}

/** Sets a boolean. */
export function setBoolean(column: ColumnBuffer, row: u32, isTrue: bool): void {
  store<u8>(column.values + row, isTrue ? 1 : 0);
  mark(column, row);
}
