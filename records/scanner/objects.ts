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
import { Field, Kind, SHARED_BIT, Shape, noteUnknown } from './shapes';
import { numberOf } from './texts';
import { skipValue } from './unknown';

const N: u32 = 0x6e;
/** `null` as a little-endian word. */
const NULL: u32 = 0x6c6c_756e;

/** Parses an object into a row. */
export function parseObject(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return NO_MATCH;
  const before = memberBytes();
  let at = skipSpaces(from + 1);
  let seen = beginObject(shape);
  // Unknown fields do not count, so that they do not change the place of the next known one.
  let place: u32 = 0;
  for (let isFirst = true; byteAt(at) !== CLOSE_BRACE; isFirst = false) {
    const value = skipNameOf(shape, at, place, isFirst);
    if (value === NO_MATCH) return NO_MATCH;
    const field = named;
    if (field === null) {
      at = skipValue(value);
    } else {
      if (isRepeated(shape, field, seen)) return NO_MATCH;
      seen |= field.bit;
      place += 1;
      at = parseValue(field, value, row);
      if (at === NO_MATCH) at = parseEscaped(field, value, row);
    }
    if (at === NO_MATCH) return NO_MATCH;
    at = skipSpaces(at);
  }
  if (memberBytes() !== before && endMembers(before)) return NO_MATCH;
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

/** The field whose name {@link skipNameOf} skipped last; null if it is unknown. */
let named: Field | null = null;

/**
 * Skips the comma before a name, the name, its colon, and the spaces after it.
 * @param place The number of known fields before it.
 * @param isFirst Whether there is no comma.
 */
function skipNameOf(shape: Shape, from: usize, place: u32, isFirst: bool): usize {
  const usual = usualAt(shape, place);
  const skipped: usize = isFirst ? 1 : 0;
  if (usual !== null && isSameBytes(from, usual.name + skipped, usual.length - skipped)) {
    named = usual;
    return skipSpaces(from + usual.length - skipped);
  }
  const name = isFirst ? from : skipComma(from);
  const end = name === NO_MATCH ? NO_MATCH : readName(shape, name, place);
  if (end === NO_MATCH) return NO_MATCH;
  const colon = skipSpaces(end);
  return byteAt(colon) === COLON ? skipSpaces(colon + 1) : NO_MATCH;
}

/** Reads a name. A known field is expected at this index in the next object; an unknown one is counted. */
function readName(shape: Shape, from: usize, place: u32): usize {
  const usual = usualAt(shape, place);
  if (usual !== null && isSameBytes(from, usual.name + 1, usual.length - 2)) {
    named = usual;
    return from + usual.length - 2;
  }
  const end = readText(from);
  if (end === NO_MATCH) return NO_MATCH;
  const field = fieldNamed(shape, textFrom, textTo);
  if (field !== null && place < shape.size)
    store<usize>(shape.order + (place << 2), changetype<usize>(field));
  named = field;
  return end;
}

/** Returns the field of a name; null if it is unknown, which is counted. */
function fieldNamed(shape: Shape, from: usize, to: usize): Field | null {
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

/** Parses a number, boolean or time in a string with escapes, which is unescaped in place. */
function parseEscaped(field: Field, at: usize, row: u32): usize {
  const isEscaped = byteAt(at) === QUOTE && byteAt(skipPlainBytes(at + 1)) === BACKSLASH;
  if (!isEscaped || field.kind === Kind.Text) return NO_MATCH;
  const to = unescape(at + 1);
  if (to === NO_MATCH) return NO_MATCH;
  const end = textEnd;
  store<u8>(to, QUOTE);
  // The string can have a quote of its own.
  return parseValue(field, at, row) === to + 1 ? end : NO_MATCH;
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
