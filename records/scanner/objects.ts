/** Parses the objects and lists of an attempt by its shape. */
import {
  ColumnBuffer,
  Level,
  begin,
  parseBoolean,
  parseEpoch,
  parseInteger,
  parseText,
  parseTimestamp,
  set32,
} from './columns';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  NO_MATCH,
  OPEN_BRACE,
  OPEN_BRACKET,
  byteAt,
  firstOfWord,
  isSameWords,
  skipSpaces,
} from './json';
import { allocate } from './memory';

const N: u32 = 0x6e;
/** `null` as a little-endian word. */
const NULL: u32 = 0x6c6c_756e;
const WORD_BYTES: usize = 8;

/** The first 31 fields of an object have a bit each in a bit set; all others share the last bit, which is always set. */
const OWN_BITS: u32 = 31;
const SHARED_BIT: u32 = 1 << OWN_BITS;

/** The kind of a field's value. */
export enum Kind {
  Text,
  Integer,
  Boolean,
  Timestamp,
  Epoch,
  Object,
  List,
}

/** A field of an object. */
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
  /** The column of its values, or of a list's lengths. */
  column: ColumnBuffer;
  /** The shape of its object, or of its list's items. */
  shape: Shape;
  /** The level of its list's items. */
  items: Level;
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
  /** The field at each index of the previous object, since most objects have the same order. */
  order: usize;
}

/**
 * Creates a shape without fields.
 * @param maxFields The number of fields that will be added.
 */
export function newShape(maxFields: u32): Shape {
  const shape = changetype<Shape>(allocate(offsetof<Shape>()));
  shape.fields = allocate(4 * maxFields);
  shape.order = allocate(4 * maxFields);
  return shape;
}

/** Adds a field to a shape; its column, shape and level are set by the caller. */
export function newField(shape: Shape, name: usize, length: usize, isRequired: bool, kind: Kind): Field {
  const field = changetype<Field>(allocate(offsetof<Field>()));
  field.name = allocate(length);
  memory.copy(field.name, name, length);
  field.length = length;
  field.bit = shape.size < OWN_BITS ? 1 << shape.size : SHARED_BIT;
  field.isRequired = isRequired;
  field.kind = kind;
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

/** Parses an object into a row. */
export function parseObject(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return NO_MATCH;
  let at = from + 1;
  let seen = beginObject(shape);
  for (let place: u32 = 0; byteAt(at) !== CLOSE_BRACE; place += 1) {
    const before = missingComma(place);
    let field = usualAt(shape, place);
    if (field !== null && isAt(at, field.name + before, field.length - before)) {
      at += field.length - before;
    } else {
      at = skipSpaces(at);
      if (byteAt(at) === CLOSE_BRACE) break;
      at = skipComma(at, place);
      field = at === NO_MATCH ? null : fieldAt(shape, at, place);
      if (field === null) return NO_MATCH;
      at = skipColon(at + field.length - 2);
      if (at === NO_MATCH) return NO_MATCH;
    }
    if (isRepeated(shape, field, seen)) return NO_MATCH;
    seen |= field.bit;
    at = parseValue(field, skipSpaces(at), row);
    if (at === NO_MATCH) return NO_MATCH;
  }
  return isComplete(shape, seen) ? at + 1 : NO_MATCH;
}

/** Starts an object and returns the bits that are set from the start. Objects of one shape are never nested. */
function beginObject(shape: Shape): u32 {
  if (shape.shared !== 0) {
    shape.object += 1;
    shape.missingShared = shape.requiredShared;
  }
  return shape.shared;
}

/** Returns whether an object has all required fields. */
function isComplete(shape: Shape, seen: u32): bool {
  return (seen & shape.required) === shape.required && shape.missingShared === 0;
}

/** Returns whether the current object had a field before. */
function isRepeated(shape: Shape, field: Field, seen: u32): bool {
  return (seen & field.bit) !== 0 && !isFirstShared(shape, field);
}

/** Records a field with the shared bit; returns false if the object had it before, or the bit is the field's own. */
function isFirstShared(shape: Shape, field: Field): bool {
  if (field.bit !== SHARED_BIT || field.lastObject === shape.object) return false;
  field.lastObject = shape.object;
  if (field.isRequired) shape.missingShared -= 1;
  return true;
}

function usualAt(shape: Shape, place: u32): Field | null {
  return place < shape.size ? changetype<Field>(load<usize>(shape.order + (place << 2))) : null;
}

/** Returns the field by the name at an address, and expects it at this index in the next object. */
function fieldAt(shape: Shape, at: usize, place: u32): Field | null {
  for (let other: u32 = 0; other < shape.size; other += 1) {
    const field = changetype<Field>(load<usize>(shape.fields + (other << 2)));
    if (!isAt(at, field.name + 1, field.length - 2)) continue;
    if (place < shape.size) store<usize>(shape.order + (place << 2), changetype<usize>(field));
    return field;
  }
  return null;
}

/** Returns 1 for the first field, which has no comma before its name, else 0. */
function missingComma(place: u32): usize {
  return place === 0 ? 1 : 0;
}

/** Skips the comma before a field and the spaces after it; the first field has none. */
function skipComma(at: usize, place: u32): usize {
  if (place === 0) return at;
  return byteAt(at) === COMMA ? skipSpaces(at + 1) : NO_MATCH;
}

/** Skips the colon after a name and the spaces before it. */
function skipColon(from: usize): usize {
  const at = skipSpaces(from);
  return byteAt(at) === COLON ? at + 1 : NO_MATCH;
}

function isAt(at: usize, name: usize, length: usize): bool {
  if (length >= WORD_BYTES) return isSameWords(at, name, length);
  return firstOfWord(at, length) === firstOfWord(name, length);
}

function parseValue(field: Field, at: usize, row: u32): usize {
  if (byteAt(at) === N) return !field.isRequired && load<u32>(at) === NULL ? at + 4 : NO_MATCH;
  switch (field.kind) {
    case Kind.Text:
      return parseText(field.column, at, row);
    case Kind.Integer:
      return parseInteger(field.column, at, row);
    case Kind.Boolean:
      return parseBoolean(field.column, at, row);
    case Kind.Timestamp:
      return parseTimestamp(field.column, at, row);
    case Kind.Epoch:
      return parseEpoch(field.column, at, row);
    case Kind.Object:
      return parseObject(field.shape, at, row);
    case Kind.List:
      return parseList(field, at, row);
    default:
      return NO_MATCH;
  }
}

function parseList(field: Field, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACKET) return NO_MATCH;
  let at = skipSpaces(from + 1);
  let length: u32 = 0;
  if (byteAt(at) !== CLOSE_BRACKET) {
    for (;;) {
      at = parseObject(field.shape, at, begin(field.items, row, length));
      if (at === NO_MATCH) return NO_MATCH;
      length += 1;
      at = skipSpaces(at);
      if (byteAt(at) === CLOSE_BRACKET) break;
      if (byteAt(at) !== COMMA) return NO_MATCH;
      at = skipSpaces(at + 1);
    }
  }
  set32(field.column, row, length);
  return at + 1;
}
