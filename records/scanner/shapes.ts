/** The expected fields of each object, and the unknown fields that a scan finds instead. */
import { ColumnBuffer, Level } from './columns';
import { firstOfWord, isSameBytes, readText, textFrom, textTo } from './json';
import { allocate, reallocate } from './memory';
import { Texts, bytesOf, newTexts, numberOf, truncateTexts } from './texts';

/** The first 31 fields of an object have a bit each in a bit set; all others share the last bit, which is always set. */
const OWN_BITS: u32 = 31;
export const SHARED_BIT: u32 = 1 << OWN_BITS;

/** With this number or size of the names of a shape, the counts of unknown fields are to be taken and cleared. */
const MAX_NAMES: u32 = 1 << 12;
const MAX_NAME_BYTES: usize = 1 << 20;
const WORD_BYTES: usize = 8;
const HASHES: usize = 256;
/** The length of `,"":`. */
const AROUND_NAME: usize = 4;
const FIRST_COUNTS: u32 = 1 << 6;
const FIRST_UNKNOWN: usize = 1 << 8;
/** The address of a shape and the number of an unknown name, 32 bits each. */
const UNKNOWN_BYTES: usize = 8;

/** The kind of a field's value, in the order of `KINDS` of field-builder.ts. */
export enum Kind {
  Text,
  Integer,
  Boolean,
  Timestamp,
  Epoch,
  Object,
  List,
  Long,
  Double,
  Decimal,
  Date,
  EpochMillis,
  EpochMicros,
  Json,
  Map,
  /** An object for which a string may stand. */
  ObjectOrText,
  /** A scalar with rules; its `type` is its kind without them. */
  Ruled,
}

/** A field of an object, or the items of a list or map, which have no name. */
@unmanaged
export class Field {
  /** The address and length of `,"name":`, without spaces. */
  name: usize;
  length: usize;
  /** Its bit among the fields of its object, or `SHARED_BIT`. */
  bit: u32;
  /** For a field with the shared bit, the number of the last object that had it. */
  lastObject: u64;
  isRequired: bool;
  kind: Kind;
  /** The column of its values, or of the lengths of a list or map. */
  column: ColumnBuffer;
  /** The shape of its object. */
  shape: Shape;
  /** The level and the field of the items of its list or map, and the column of a map's keys. */
  items: Level;
  item: Field;
  keys: ColumnBuffer;
  /** The digits of a decimal, and how many of them are decimals. */
  precision: i32;
  scale: i32;
  /** The kind of a field with rules. */
  type: Kind;
  /** Whether strings are refused, other than for types that are strings. */
  isStrict: bool;
  /** Whether the strings are tested, and the number of the test. */
  hasTest: bool;
  test: u32;
  /** The bounds of whole numbers, and of floats. */
  min: i64;
  max: i64;
  minDouble: f64;
  maxDouble: f64;
}

/** The fields of an object. */
@unmanaged
export class Shape {
  size: u32;
  /** The bits of the required fields. */
  required: u32;
  /** `SHARED_BIT` if a field has it, else 0. */
  shared: u32;
  /** The number of required fields with the shared bit, and how many of them the current object still lacks. */
  requiredShared: u32;
  missingShared: u32;
  /** The number of the current object, if a field has the shared bit. */
  object: u64;
  /** The addresses of the fields. */
  fields: usize;
  /** A field, if any, for each hash of a name: a shortcut to `names`. */
  index: usize;
  /** The names of the fields in their order, then the names of unknown fields. */
  names: Texts;
  /** The number of each unknown field in accepted attempts, 32 bits each, and the capacity. */
  counts: usize;
  maxCounts: u32;
  /** The field at each index of the previous object, since most objects have the same order. */
  order: usize;
  /** The field for which a string may stand. */
  textField: Field;
}

/**
 * Creates a shape without fields.
 * @param maxFields The number of fields that will be added.
 */
export function newShape(maxFields: u32): Shape {
  const shape = changetype<Shape>(allocate(offsetof<Shape>()));
  shape.fields = allocate(4 * maxFields);
  shape.order = allocate(4 * maxFields);
  shape.index = allocate(4 * HASHES);
  shape.names = newTexts();
  shape.counts = allocate(4 * FIRST_COUNTS);
  shape.maxCounts = FIRST_COUNTS;
  return shape;
}

/** Creates a field without a name. */
export function newItem(isRequired: bool, kind: Kind): Field {
  const field = changetype<Field>(allocate(offsetof<Field>()));
  field.isRequired = isRequired;
  field.kind = kind;
  field.type = kind;
  field.min = i64.MIN_VALUE;
  field.max = i64.MAX_VALUE;
  field.minDouble = -Infinity;
  field.maxDouble = Infinity;
  return field;
}

/**
 * Adds a field to a shape; its column, shape and level are set by the caller.
 * @param name The address of `,"name":`, which is unescaped in place.
 */
export function newField(shape: Shape, name: usize, length: usize, isRequired: bool, kind: Kind): Field {
  const field = newItem(isRequired, kind);
  field.name = allocate(length);
  memory.copy(field.name, name, length);
  field.length = length;
  readText(name + 1);
  numberOf(shape.names, textFrom, textTo);
  store<usize>(slotOf(shape, textFrom, textTo - textFrom), changetype<usize>(field));
  field.bit = shape.size < OWN_BITS ? 1 << shape.size : SHARED_BIT;
  if (isRequired) shape.required |= field.bit;
  if (field.bit === SHARED_BIT) {
    shape.shared = SHARED_BIT;
    if (isRequired) shape.requiredShared += 1;
  }
  store<usize>(shape.fields + (shape.size << 2), changetype<usize>(field));
  store<usize>(shape.order + (shape.size << 2), changetype<usize>(field));
  shape.size += 1;
  return field;
}

/** Returns the field of a name; null if it is unknown, or is among {@link Shape.names} alone. */
export function indexedField(shape: Shape, from: usize, length: usize): Field | null {
  const found = load<usize>(slotOf(shape, from, length));
  if (found === 0) return null;
  const field = changetype<Field>(found);
  return field.length === length + AROUND_NAME && isSameBytes(from, field.name + 2, length) ? field : null;
}

/** Returns the address in the index for a name, by its length and first bytes. */
function slotOf(shape: Shape, from: usize, length: usize): usize {
  const word = length < WORD_BYTES ? firstOfWord(from, length) : load<u64>(from);
  const hash = (word ^ ((length as u64) << 56)) * 0x9e37_79b9_7f4a_7c15;
  return shape.index + (((hash >> 56) as usize) << 2);
}

/** The unknown fields of the current attempt: the addresses of the first and the next one, and of the end of the memory. */
let unknown: usize = 0;
let nextUnknown: usize = 0;
let endOfUnknown: usize = 0;
/** Whether the counts of unknown fields are to be taken and cleared, to limit their memory. */
export let isUnknownFull: bool = false;

/** Creates the list of the unknown fields of an attempt, in memory that was freed. */
export function createUnknown(): void {
  unknown = allocate(FIRST_UNKNOWN * UNKNOWN_BYTES);
  endOfUnknown = unknown + FIRST_UNKNOWN * UNKNOWN_BYTES;
  nextUnknown = unknown;
  isUnknownFull = false;
}

/** Notes an unknown field of the current attempt, by the number of its name among those of its shape. */
export function noteUnknown(shape: Shape, name: u32): void {
  if (name >= MAX_NAMES || bytesOf(shape.names) >= MAX_NAME_BYTES) isUnknownFull = true;
  const number = name - shape.size;
  if (number === shape.maxCounts) {
    shape.counts = reallocate(shape.counts, 4 * number, 8 * number);
    shape.maxCounts = 2 * number;
  }
  if (nextUnknown === endOfUnknown) {
    const bytes = endOfUnknown - unknown;
    unknown = reallocate(unknown, bytes, 2 * bytes);
    nextUnknown = unknown + bytes;
    endOfUnknown = unknown + 2 * bytes;
  }
  store<u32>(nextUnknown, changetype<usize>(shape) as u32);
  store<u32>(nextUnknown, number, 4);
  nextUnknown += UNKNOWN_BYTES;
}

/** Counts the unknown fields of the current attempt if it is accepted. */
export function endUnknown(isAccepted: bool): void {
  for (let at = unknown; isAccepted && at < nextUnknown; at += UNKNOWN_BYTES) {
    const shape = changetype<Shape>(load<u32>(at) as usize);
    const count = shape.counts + (load<u32>(at, 4) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  nextUnknown = unknown;
}

/** Removes the unknown fields of a shape. */
export function clearUnknown(shape: Shape): void {
  memory.fill(shape.counts, 0, 4 * shape.maxCounts);
  truncateTexts(shape.names, shape.size);
  isUnknownFull = false;
}
