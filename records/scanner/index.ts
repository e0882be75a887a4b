/**
 * Parses attempts, which are JSON texts, into columns: the WebAssembly module of `scan.ts`, in AssemblyScript. Objects are
 * identified by their addresses.
 */
import { ColumnBuffer, Level, begin, drop, newLevel, set32, set64 } from './columns';
import { NO_MATCH, ROOM_BYTES, skipByteOrderMark, skipSpaces } from './json';
import { allocate, freeAll } from './memory';
import { clearKinds, createKind, nameKind, newMatchField, parseOneKind, hasKinds } from './kinds';
import { clearMembers, createMembers } from './members';
import { parseObject } from './objects';
import { Field, Kind, Shape, createUnknown, endUnknown, isUnknownFull, newField } from './shapes';
import { noteZeros, numberOf } from './texts';
import { createContainers } from './unknown';

export { newColumn } from './columns';
export {
  setDecimal,
  setDoubleBounds,
  setIntegerBounds,
  setList,
  setMap,
  setObject,
  setScalar,
  setStrict,
  setTest,
  setTextField,
} from './field-setters';
export { clearUnknown, newItem, newShape } from './shapes';

/** The bits of the result of {@link parseAttempt}. */
const ACCEPTED: u32 = 1;
const UNKNOWN_FULL: u32 = 2;

const MICROS_A_MILLI: i64 = 1000;

let levels: Level | null = null;
let attempts = changetype<Level>(0);
let attempt = changetype<Shape>(0);
let sources = changetype<ColumnBuffer>(0);
let headerTexts = changetype<ColumnBuffer>(0);
let partitions = changetype<ColumnBuffer>(0);
let offsets = changetype<ColumnBuffer>(0);
let times = changetype<ColumnBuffer>(0);
let text: usize = 0;
let textRoom: usize = 0;

/** Frees all memory. */
export function reset(): void {
  freeAll();
  levels = null;
  textRoom = 0;
  createMembers();
  createContainers();
  createUnknown();
  clearKinds();
}

/**
 * Creates a level.
 * @param room The initial capacity in rows, a multiple of 64.
 */
export function addLevel(room: u32): Level {
  const made = newLevel(room, levels);
  levels = made;
  return made;
}

/**
 * Adds a field to a shape.
 * @param length The number of bytes of `,"name":`, which is in the input buffer ({@link reserveText}).
 */
export function addField(shape: Shape, length: usize, isRequired: bool, kind: Kind): Field {
  return newField(shape, text, length, isRequired, kind);
}

/** Returns the address of the input buffer, for a text of this length. */
export function reserveText(length: usize): usize {
  if (length + ROOM_BYTES > textRoom) {
    textRoom = 2 * (length + ROOM_BYTES);
    text = allocate(textRoom);
  }
  return text;
}

/** Returns the index of the string in the input buffer among a column's strings, which is added if new. */
export function addText(column: ColumnBuffer, length: usize): u32 {
  noteZeros(column.texts, text, text + length);
  return numberOf(column.texts, text, text + length);
}

/** Sets the shape of the attempts, and the columns of their messages' metadata. */
export function setAttempts(
  level: Level,
  shape: Shape,
  source: ColumnBuffer,
  headers: ColumnBuffer,
  partition: ColumnBuffer,
  offset: ColumnBuffer,
  publishedAt: ColumnBuffer,
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
 * Adds the rows of the attempt in the input buffer, or nothing if it is rejected.
 * @param source The index of its source's string.
 * @param headers The index of its headers' string.
 * @param publishedMs Milliseconds since 1970; NaN if unknown.
 * @returns `ACCEPTED` if it was added; and `UNKNOWN_FULL` if the counts of unknown fields are to be taken and cleared.
 */
export function parseAttempt(
  length: usize,
  source: u32,
  headers: u32,
  partition: u32,
  offset: i64,
  publishedMs: f64,
): u32 {
  const row = begin(attempts, 0, 0);
  clearMembers();
  memory.fill(text + length, 0, ROOM_BYTES);
  const from = skipSpaces(skipByteOrderMark(text));
  const end = hasKinds ? parseOneKind(from, row) : parseObject(attempt, from, row);
  const isAccepted = end !== NO_MATCH && skipSpaces(end) === text + length;
  if (isAccepted) {
    set32(sources, row, source);
    set32(headerTexts, row, headers);
    set32(partitions, row, partition);
    set64(offsets, row, offset);
    if (!isNaN(publishedMs)) set64(times, row, (publishedMs as i64) * MICROS_A_MILLI);
  }
  let level: Level | null = levels;
  while (level !== null) {
    if (isAccepted) level.rows = level.begun;
    else drop(level);
    level = level.next;
  }
  endUnknown(isAccepted);
  return (isAccepted ? ACCEPTED : 0) | (isUnknownFull ? UNKNOWN_FULL : 0);
}

/** Makes the attempts records of several kinds, by the texts of the field whose name is in the input buffer. */
export function setMatch(length: usize): void {
  newMatchField(text, length);
}

/** Adds a kind of record, with the level and the shape of its rows; returns its number. */
export function addKind(level: Level, shape: Shape): u32 {
  return createKind(level, shape);
}

/** Adds the text in the input buffer to those by which a kind is recognised. */
export function addKindText(kind: u32, length: usize): void {
  nameKind(kind, text, length);
}

/** Returns the number of a level's accepted rows. */
export function countRows(level: Level): u32 {
  return level.rows;
}

/** Returns a level's capacity in rows. */
export function roomOf(level: Level): u32 {
  return level.room;
}

/** Returns the address of the parent row of each row, 32 bits each. */
export function parentsOf(level: Level): usize {
  return level.parents;
}

/** Returns the address of the index of each row in its list, 32 bits each. */
export function positionsOf(level: Level): usize {
  return level.positions;
}

/** Returns the number of a column's non-null values. */
export function countValues(column: ColumnBuffer): u32 {
  return column.count;
}

/** Returns the address of a column's values. */
export function valuesOf(column: ColumnBuffer): usize {
  return column.values;
}

/** Returns the address of a column's validity bitmap. */
export function validOf(column: ColumnBuffer): usize {
  return column.valid;
}

/** Returns the number of a column's distinct strings. */
export function countTexts(column: ColumnBuffer): u32 {
  return column.texts.size;
}

/** Returns the address of a column's concatenated strings. */
export function textBytesOf(column: ColumnBuffer): usize {
  return column.texts.bytes;
}

/** Returns the address of the start offset of each string and the end of the last, 32 bits each. */
export function textStartsOf(column: ColumnBuffer): usize {
  return column.texts.starts;
}

/** Returns whether one of a column's strings has the character U+0000. */
export function hasZeroCharacter(column: ColumnBuffer): bool {
  return column.texts.hasZero;
}

/** Returns the number of a shape's names: those of its fields, then those of unknown fields. */
export function countNames(shape: Shape): u32 {
  return shape.names.size;
}

/** Returns the address of a shape's concatenated names. */
export function nameBytesOf(shape: Shape): usize {
  return shape.names.bytes;
}

/** Returns the address of the start offset of each name and the end of the last, 32 bits each. */
export function nameStartsOf(shape: Shape): usize {
  return shape.names.starts;
}

/** Returns the address of the number of each unknown field in accepted attempts, 32 bits each. */
export function unknownCountsOf(shape: Shape): usize {
  return shape.counts;
}
