/**
 * Takes attempts apart, which are JSON texts, into columns: what `scan.ts` asks of WebAssembly. Written in
 * AssemblyScript. What it makes it names by addresses.
 */
import { Column, Level, begin, drop, newLevel, noteZeros, set32, set64 } from './columns';
import { NOT_SO, passMark, passSpace } from './json';
import { giveBack, take } from './memory';
import { Field, Kind, Shape, newField, passObject } from './objects';
import { numberOf } from './texts';

export { newColumn } from './columns';
export { newShape } from './objects';

/** So many zeros follow a text; see json.ts. */
const ROOM_BYTES: usize = 64;
const MICROS_A_MILLI: i64 = 1000;

let levels: Level | null = null;
let attempts = changetype<Level>(0);
let attempt = changetype<Shape>(0);
let sources = changetype<Column>(0);
let headerTexts = changetype<Column>(0);
let partitions = changetype<Column>(0);
let offsets = changetype<Column>(0);
let times = changetype<Column>(0);
let text: usize = 0;
let textRoom: usize = 0;

/** Forgets all that was made and taken. */
export function reset(): void {
  giveBack();
  levels = null;
  textRoom = 0;
}

/** @param room How many rows it has room for at first, a multiple of 64. */
export function level(room: u32): Level {
  const made = newLevel(room, levels);
  levels = made;
  return made;
}

/** @param length How many bytes `,"name":` has, which stands where {@link textAt} said. */
export function fieldOf(shape: Shape, length: usize, isRequired: bool, kind: Kind): Field {
  return newField(shape, text, length, isRequired, kind);
}

/** Says that a field holds a value, and what column that comes into. */
export function holdsValues(field: Field, column: Column): void {
  field.column = column;
}

/** Says that a field holds an object. */
export function holdsObject(field: Field, shape: Shape): void {
  field.shape = shape;
}

/** Says that a field holds a list, what column its length comes into, and the level and the shape of its items. */
export function holdsList(field: Field, lengths: Column, items: Level, item: Shape): void {
  field.column = lengths;
  field.items = items;
  field.shape = item;
}

/** Where a text of so many bytes is to be put, in place of the one before. */
export function textAt(length: usize): usize {
  if (length + ROOM_BYTES > textRoom) {
    textRoom = 2 * (length + ROOM_BYTES);
    text = take(textRoom);
  }
  return text;
}

/** The number among a column's texts of the one that was put, of so many bytes. */
export function textNumber(column: Column, length: usize): u32 {
  noteZeros(column.texts, text, text + length);
  return numberOf(column.texts, text, text + length);
}

/** Says what attempts are, and which columns say of each where its message stands. */
export function attemptsAre(
  level: Level,
  shape: Shape,
  source: Column,
  headers: Column,
  partition: Column,
  offset: Column,
  publishedAt: Column,
): void {
  attempts = level;
  attempt = shape;
  sources = source;
  headerTexts = headers;
  partitions = partition;
  offsets = offset;
  times = publishedAt;
}

/**
 * Takes the text that was put, of so many bytes, if it is such an attempt; else nothing of it stays.
 * @param source The number of its source's text; those of its headers likewise.
 * @param publishedMs Milliseconds since 1970; NaN where nothing is known of it.
 */
export function takes(
  length: usize,
  source: u32,
  headers: u32,
  partition: u32,
  offset: i64,
  publishedMs: f64,
): bool {
  const row = begin(attempts, 0, 0);
  memory.fill(text + length, 0, ROOM_BYTES);
  const end = passObject(attempt, passSpace(passMark(text)), row);
  const isTaken = end !== NOT_SO && passSpace(end) === text + length;
  if (isTaken) {
    set32(sources, row, source);
    set32(headerTexts, row, headers);
    set32(partitions, row, partition);
    set64(offsets, row, offset);
    if (!isNaN(publishedMs)) set64(times, row, (publishedMs as i64) * MICROS_A_MILLI);
  }
  let level: Level | null = levels;
  while (level !== null) {
    if (isTaken) level.rows = level.begun;
    else drop(level);
    level = level.next;
  }
  return isTaken;
}

/** How many rows of a level were kept. */
export function rowsOf(level: Level): u32 {
  return level.rows;
}

/** How many rows a level has room for. */
export function roomOf(level: Level): u32 {
  return level.room;
}

/** Where the rows above stand that a level's rows belong to: 32 bits each. */
export function aboveOf(level: Level): usize {
  return level.of;
}

/** Where it stands which item of its list each row of a level is: 32 bits each. */
export function positionsOf(level: Level): usize {
  return level.positions;
}

/** How many values a column has. */
export function countOf(column: Column): u32 {
  return column.count;
}

/** Where the values of a column stand. */
export function valuesOf(column: Column): usize {
  return column.values;
}

/** Where a bit for each row of a column stands. */
export function validOf(column: Column): usize {
  return column.valid;
}

/** How many texts a column has. */
export function textsOf(column: Column): u32 {
  return column.texts.size;
}

/** Where the texts of a column stand, one after the other. */
export function textBytesOf(column: Column): usize {
  return column.texts.bytes;
}

/** Where it stands where in them each begins, and where the last one ends: 32 bits each. */
export function textStartsOf(column: Column): usize {
  return column.texts.starts;
}

/** Whether one of a column's texts has the character U+0000. */
export function hasZeroOf(column: Column): bool {
  return column.texts.hasZero;
}
