/** Parses the objects, lists and maps of a record by its shape. */
import { begin, set32 } from './columns';
import { parseDate, parseDouble, parseEpochCount, parseExact, parseJson, parseLong } from './exact';
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
import { isAllowed } from './rules';
import { parseBoolean, parseEpoch, parseInteger, parseText, parseTimestamp, setText } from './scalars';
import { Field, Kind, SHARED_BIT, Shape, indexedField, noteUnknown } from './shapes';
import { numberOf } from './texts';
import { skipValue } from './unknown';

/** The power of 10 of the microseconds in a millisecond. */
const MILLIS_POWER: i32 = 3;
const N: u32 = 0x6e;
/** `null` as a little-endian word. */
const NULL: u32 = 0x6c6c_756e;

/** Parses an object into a row. */
export function parseObject(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return parseTextAsObject(shape, from, row);
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
    at = parseField(field, skipSpaces(at), row);
    if (at === NO_MATCH) return NO_MATCH;
  }
  return endObject(shape, seen, members) ? at + 1 : NO_MATCH;
}

/** Parses a string that stands for an object with one field. */
function parseTextAsObject(shape: Shape, from: usize, row: u32): usize {
  const field = shape.textField;
  if (field === null || byteAt(from) !== QUOTE) return NO_MATCH;
  const members = memberBytes();
  const seen = beginObject(shape);
  if (isRepeated(shape, field, seen)) return NO_MATCH;
  const end = parseField(field, from, row);
  return end !== NO_MATCH && endObject(shape, seen | field.bit, members) ? end : NO_MATCH;
}

/** Parses the value of a field, which may be a string with escapes. */
// @ts-expect-error AssemblyScript has decorators of functions.
@inline
function parseField(field: Field, value: usize, row: u32): usize {
  let end: usize = NO_MATCH;
  do end = parseValue(field, value, row);
  while (end === NO_MATCH && unescapeScalar(field, value));
  return end;
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
  // The other kinds are in a function of their own, which keeps this one small, and so fast.
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
    case Kind.Map:
      return parseMap(field, at, row);
    case Kind.Ruled:
      return parseRuled(field, at, row);
    default:
      return parseScalar(field, at, row);
  }
}

/** Parses a scalar that must keep rules. */
function parseRuled(field: Field, at: usize, row: u32): usize {
  if (field.isStrict && byteAt(at) === QUOTE) return NO_MATCH;
  const end = parseScalar(field, at, row);
  return end !== NO_MATCH && isAllowed(field, row) ? end : NO_MATCH;
}

/** Parses a scalar of any type. */
function parseScalar(field: Field, at: usize, row: u32): usize {
  switch (field.type) {
    case Kind.Text:
      return parseText(field.column, at, row);
    case Kind.Integer:
      return parseInteger(field.column, at, row);
    case Kind.Boolean:
      return parseBoolean(field.column, at, row);
    case Kind.Epoch:
      return parseEpoch(field.column, at, row);
    case Kind.Long:
      return parseLong(field.column, at, row);
    case Kind.Double:
      return parseDouble(field.column, at, row);
    case Kind.Decimal:
      return parseExact(field.column, at, row, field.precision, field.scale);
    case Kind.Date:
      return parseDate(field.column, at, row);
    case Kind.EpochMillis:
      return parseEpochCount(field.column, at, row, MILLIS_POWER);
    case Kind.EpochMicros:
      return parseEpochCount(field.column, at, row, 0);
    case Kind.Json:
      return parseJson(field.column, at, row);
    default:
      return NO_MATCH;
  }
}

/** Replaces a number, boolean or time in a string with escapes by one without; returns whether it did. */
function unescapeScalar(field: Field, at: usize): bool {
  const isEscaped = byteAt(at) === QUOTE && byteAt(skipPlainBytes(at + 1)) === BACKSLASH;
  if (!isEscaped || !hasStrings(field.type)) return false;
  const to = unescape(at + 1);
  if (to === NO_MATCH) return false;
  store<u8>(to, QUOTE);
  memory.fill(to + 1, SPACE as u8, textEnd - to - 1);
  // An unescaped quote or backslash would end the string or be an escape.
  return skipPlainBytes(at + 1) === to;
}

/** Returns whether values of a kind can be strings that are not kept as such. */
function hasStrings(kind: Kind): bool {
  return kind !== Kind.Text && kind !== Kind.Json && kind !== Kind.Object;
}

function parseList(field: Field, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACKET) return NO_MATCH;
  let at = skipSpaces(from + 1);
  let length: u32 = 0;
  if (byteAt(at) !== CLOSE_BRACKET) {
    for (;;) {
      at = parseField(field.item, at, begin(field.items, row, length));
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

/** Parses an object whose names are data. */
function parseMap(field: Field, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACE) return NO_MATCH;
  const members = memberBytes();
  let at = skipSpaces(from + 1);
  let length: u32 = 0;
  if (byteAt(at) !== CLOSE_BRACE) {
    for (;;) {
      const itemRow = begin(field.items, row, length);
      at = parseKey(field, at, itemRow);
      if (at !== NO_MATCH) at = parseField(field.item, at, itemRow);
      if (at === NO_MATCH) return NO_MATCH;
      length += 1;
      at = skipSpaces(at);
      if (byteAt(at) === CLOSE_BRACE) break;
      if (byteAt(at) !== COMMA) return NO_MATCH;
      at = skipSpaces(at + 1);
    }
  }
  if (endMembers(members)) return NO_MATCH;
  set32(field.column, row, length);
  return at + 1;
}

/** Parses a map's key, its colon and the spaces after it. */
function parseKey(field: Field, from: usize, row: u32): usize {
  const end = readText(from);
  if (end === NO_MATCH) return NO_MATCH;
  addMember(textFrom, textTo);
  setText(field.keys, row, textFrom, textTo, textTo + 1 === end);
  const at = skipColon(end);
  return at === NO_MATCH ? NO_MATCH : skipSpaces(at);
}
