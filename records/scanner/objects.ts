/** Passes the objects and lists of an attempt, as its shape has them. */
import {
  Column,
  Level,
  begin,
  passBoolean,
  passEpoch,
  passInteger,
  passText,
  passTimestamp,
  set32,
} from './columns';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  NOT_SO,
  OPEN_BRACE,
  OPEN_BRACKET,
  byteAt,
  firstOfWord,
  isSameWords,
  passSpace,
} from './json';
import { take } from './memory';

const N: u32 = 0x6e;
/** A word of four bytes as it stands in memory. */
const NULL: u32 = 0x6c6c_756e;
const WORD_BYTES: usize = 8;

/** An object's first fields have a bit each in a register; all others share the last bit, which is always set. */
const OWN_BITS: u32 = 31;
const SHARED_BIT: u32 = 1 << OWN_BITS;

/** What a field holds. */
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
  /** The address of `,"name":`, as it stands where no space does, and how many bytes that has. */
  name: usize;
  length: usize;
  /** Its bit among the fields of its object, or `SHARED_BIT`. */
  bit: u32;
  /** Of a field with the shared bit: the number of the last object that had it. */
  lastObject: u64;
  isRequired: bool;
  kind: Kind;
  /** What its values come into; of a list, how many items it has. */
  column: Column;
  /** The fields of its object, or of its list's items. */
  shape: Shape;
  /** The rows of its list's items. */
  items: Level;
}

/** The fields of an object. */
@unmanaged
export class Shape {
  size: u32;
  /** The bits of those that must be there. */
  required: u32;
  /** `SHARED_BIT` where a field has it, else 0. */
  shared: u32;
  /** How many of the fields with the shared bit must be there, and how many of these the present object lacks. */
  requiredShared: u32;
  missingShared: u32;
  /** The number of the present object, where a field has the shared bit; 64 bits of them never run out. */
  object: u64;
  /** The addresses of the fields. */
  fields: usize;
  /** Which field stood at each place the last time: most objects name theirs in the same order. */
  order: usize;
}

/** @param most How many fields it can have: any number. */
export function newShape(most: u32): Shape {
  const shape = changetype<Shape>(take(offsetof<Shape>()));
  shape.fields = take(4 * most);
  shape.order = take(4 * most);
  return shape;
}

/** A field of a shape; what it holds is yet to be said. */
export function newField(shape: Shape, name: usize, length: usize, isRequired: bool, kind: Kind): Field {
  const field = changetype<Field>(take(offsetof<Field>()));
  field.name = take(length);
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

/** Passes an object, whose values are of a row. */
export function passObject(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return NOT_SO;
  let at = from + 1;
  let seen = shape.shared;
  if (seen !== 0) beginShared(shape);
  for (let place: u32 = 0; byteAt(at) !== CLOSE_BRACE; place += 1) {
    // Before the first one is no comma.
    const before: usize = place === 0 ? 1 : 0;
    let field = usualAt(shape, place);
    if (field !== null && isAt(at, field.name + before, field.length - before)) {
      at += field.length - before;
    } else {
      at = passSpace(at);
      if (byteAt(at) === CLOSE_BRACE) break;
      if (place > 0) {
        if (byteAt(at) !== COMMA) return NOT_SO;
        at = passSpace(at + 1);
      }
      field = fieldAt(shape, at, place);
      if (field === null) return NOT_SO;
      at = passSpace(at + field.length - 2);
      if (byteAt(at) !== COLON) return NOT_SO;
      at += 1;
    }
    if ((seen & field.bit) !== 0 && !isFirstShared(shape, field)) return NOT_SO;
    seen |= field.bit;
    at = passValue(field, passSpace(at), row);
    if (at === NOT_SO) return NOT_SO;
  }
  if ((seen & shape.required) !== shape.required || shape.missingShared !== 0) return NOT_SO;
  return at + 1;
}

/** Begins an object, of which no field with the shared bit was seen yet. No object holds another of its own shape. */
function beginShared(shape: Shape): void {
  shape.object += 1;
  shape.missingShared = shape.requiredShared;
}

/** Notes a field with the shared bit; false where its object had it before, or where the bit is the field's own. */
function isFirstShared(shape: Shape, field: Field): bool {
  if (field.bit !== SHARED_BIT || field.lastObject === shape.object) return false;
  field.lastObject = shape.object;
  if (field.isRequired) shape.missingShared -= 1;
  return true;
}

function usualAt(shape: Shape, place: u32): Field | null {
  return place < shape.size ? changetype<Field>(load<usize>(shape.order + (place << 2))) : null;
}

/** The field whose name stands there; it is expected at that place the next time. */
function fieldAt(shape: Shape, at: usize, place: u32): Field | null {
  for (let other: u32 = 0; other < shape.size; other += 1) {
    const field = changetype<Field>(load<usize>(shape.fields + (other << 2)));
    if (!isAt(at, field.name + 1, field.length - 2)) continue;
    if (place < shape.size) store<usize>(shape.order + (place << 2), changetype<usize>(field));
    return field;
  }
  return null;
}

function isAt(at: usize, name: usize, length: usize): bool {
  if (length >= WORD_BYTES) return isSameWords(at, name, length);
  return firstOfWord(at, length) === firstOfWord(name, length);
}

function passValue(field: Field, at: usize, row: u32): usize {
  if (byteAt(at) === N) return !field.isRequired && load<u32>(at) === NULL ? at + 4 : NOT_SO;
  switch (field.kind) {
    case Kind.Text:
      return passText(field.column, at, row);
    case Kind.Integer:
      return passInteger(field.column, at, row);
    case Kind.Boolean:
      return passBoolean(field.column, at, row);
    case Kind.Timestamp:
      return passTimestamp(field.column, at, row);
    case Kind.Epoch:
      return passEpoch(field.column, at, row);
    case Kind.Object:
      return passObject(field.shape, at, row);
    case Kind.List:
      return passList(field, at, row);
    default:
      return NOT_SO;
  }
}

function passList(field: Field, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACKET) return NOT_SO;
  let at = passSpace(from + 1);
  let length: u32 = 0;
  if (byteAt(at) !== CLOSE_BRACKET) {
    for (;;) {
      at = passObject(field.shape, at, begin(field.items, row, length));
      if (at === NOT_SO) return NOT_SO;
      length += 1;
      at = passSpace(at);
      if (byteAt(at) === CLOSE_BRACKET) break;
      if (byteAt(at) !== COMMA) return NOT_SO;
      at = passSpace(at + 1);
    }
  }
  set32(field.column, row, length);
  return at + 1;
}
