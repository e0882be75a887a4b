/** Parses the objects and lists of an attempt by its shape. */
import { begin, parseBoolean, parseEpoch, parseInteger, parseText, parseTimestamp, set32 } from './columns';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  NO_MATCH,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  byteAt,
  isSameBytes,
  readText,
  skipPlainBytes,
  skipSpaces,
  textEnd,
  textFrom,
  textTo,
  unescape,
} from './json';
import { addMember, memberBytes, endMembers } from './members';
import { Field, Kind, SHARED_BIT, Shape, indexedField, noteUnknown } from './shapes';
import { numberOf } from './texts';
import { skipValue } from './unknown';

const N: u32 = 0x6e;
/** `null` as a little-endian word. */
const NULL: u32 = 0x6c6c_756e;

/** Parses an object into a row. */
export function parseObject(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return NO_MATCH;
  const members = memberBytes();
  let at = from + 1;
  let seen = beginObject(shape);
  for (let place: u32 = 0; byteAt(at) !== CLOSE_BRACE; place += 1) {
    const before = missingComma(place);
    let field = usualAt(shape, place);
    if (field !== null && isSameBytes(at, field.name + before, field.length - before)) {
      at += field.length - before;
    } else {
      at = seekField(shape, at, place);
      if (at === NO_MATCH) return NO_MATCH;
      field = sought;
      if (field === null) break;
    }
    if (isRepeated(shape, field, seen)) return NO_MATCH;
    seen |= field.bit;
    const value = skipSpaces(at);
    do at = parseValue(field, value, row);
    while (at === NO_MATCH && unescapeScalar(field, value));
    if (at === NO_MATCH) return NO_MATCH;
  }
  return endObject(shape, seen, members) ? at + 1 : NO_MATCH;
}

/** Starts an object and returns the bits that are set from the start. Objects of one shape are never nested. */
function beginObject(shape: Shape): u32 {
  if (shape.shared !== 0) {
    shape.object += 1;
    shape.missingShared = shape.requiredShared;
  }
  return shape.shared;
}

/** Ends an object; returns whether it has all required fields, and no unknown field twice. */
function endObject(shape: Shape, seen: u32, members: usize): bool {
  if (memberBytes() !== members && endMembers(members)) return false;
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

/** Returns 1 for the first field, which has no comma before its name, else 0. */
function missingComma(place: u32): usize {
  return place === 0 ? 1 : 0;
}

/** The field that {@link seekField} found, or whose name {@link readName} read; null if there is none. */
let sought: Field | null = null;

/**
 * Skips unknown fields, and the name of the next known one with its colon.
 * @param place The number of known fields before it.
 * @returns The end of the name, or of the object's fields if there is no known field.
 */
function seekField(shape: Shape, from: usize, place: u32): usize {
  let at = from;
  for (let isFirst = place === 0; ; isFirst = false) {
    at = skipSpaces(at);
    sought = null;
    if (byteAt(at) === CLOSE_BRACE) return at;
    if (!isFirst) at = skipComma(at);
    if (at !== NO_MATCH) at = readName(shape, at, place);
    if (at !== NO_MATCH) at = skipColon(at);
    if (at === NO_MATCH || isFound()) return at;
    at = skipValue(skipSpaces(at));
    if (at === NO_MATCH) return NO_MATCH;
  }
  return NO_MATCH;
}

function isFound(): bool {
  return sought !== null;
}

/** Skips the colon after a name and the spaces before it. */
function skipColon(from: usize): usize {
  const at = skipSpaces(from);
  return byteAt(at) === COLON ? at + 1 : NO_MATCH;
}

/** Reads a name. A known field is expected at this index in the next object; an unknown one is counted. */
function readName(shape: Shape, from: usize, place: u32): usize {
  const usual = usualAt(shape, place);
  if (usual !== null && isSameBytes(from, usual.name + 1, usual.length - 2)) {
    sought = usual;
    return from + usual.length - 2;
  }
  const end = readText(from);
  if (end === NO_MATCH) return NO_MATCH;
  const field = fieldNamed(shape, textFrom, textTo);
  if (field !== null && place < shape.size)
    store<usize>(shape.order + (place << 2), changetype<usize>(field));
  sought = field;
  return end;
}

/** Returns the field of a name; null if it is unknown, which is counted. */
function fieldNamed(shape: Shape, from: usize, to: usize): Field | null {
  const indexed = indexedField(shape, from, to - from);
  if (indexed !== null) return indexed;
  const number = numberOf(shape.names, from, to);
  if (number < shape.size) return changetype<Field>(load<usize>(shape.fields + (number << 2)));
  addMember(from, to);
  noteUnknown(shape, number);
  return null;
}

/** Skips the comma before a field and the spaces after it. */
function skipComma(at: usize): usize {
  return byteAt(at) === COMMA ? skipSpaces(at + 1) : NO_MATCH;
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

/** Replaces a number, boolean or time in a string with escapes by one without; returns whether it did. */
function unescapeScalar(field: Field, at: usize): bool {
  const isEscaped = byteAt(at) === QUOTE && byteAt(skipPlainBytes(at + 1)) === BACKSLASH;
  if (!isEscaped || field.kind === Kind.Text) return false;
  const to = unescape(at + 1);
  if (to === NO_MATCH) return false;
  store<u8>(to, QUOTE);
  memory.fill(to + 1, SPACE as u8, textEnd - to - 1);
  // An unescaped quote or backslash would end the string or be an escape.
  return skipPlainBytes(at + 1) === to;
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
