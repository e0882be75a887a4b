/** Parses the objects, lists and maps of a record by its shape. */
import { begin, set32 } from './columns';
import { parseDate, parseDouble, parseEpochCount, parseExact, parseJson, parseLong } from './exact';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
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
import { missingComma, seekField, skipColon, sought, usualAt } from './names';
import { isAllowed } from './rules';
import { parseBoolean, parseEpoch, parseInteger, parseText, parseTimestamp, setText } from './scalars';
import { Field, Kind, SHARED_BIT, Shape } from './shapes';

/** The power of 10 of the microseconds in a millisecond. */
const MILLIS_POWER: i32 = 3;
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

/** Parses an object, or a string that stands for an object with one field. */
function parseObjectOrText(shape: Shape, from: usize, row: u32): usize {
  if (byteAt(from) !== QUOTE) return parseObject(shape, from, row);
  const field = shape.textField;
  const members = memberBytes();
  const seen = beginObject(shape);
  if (isRepeated(shape, field, seen)) return NO_MATCH;
  const end = parseItem(field, from, row);
  return end !== NO_MATCH && endObject(shape, seen | field.bit, members) ? end : NO_MATCH;
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
    case Kind.Long:
    case Kind.Double:
    case Kind.Decimal:
    case Kind.Date:
    case Kind.EpochMillis:
    case Kind.EpochMicros:
    case Kind.Json:
    case Kind.Map:
    case Kind.ObjectOrText:
    case Kind.Ruled:
      return parseOther(field, field.kind, at, row);
    default:
      return NO_MATCH;
  }
}

/** Parses an item of a list, or a value of a map: mostly an object, which must not be null. */
function parseItem(field: Field, from: usize, row: u32): usize {
  if (field.kind === Kind.Object) return parseObject(field.shape, from, row);
  if (byteAt(from) === N) return !field.isRequired && load<u32>(from) === NULL ? from + 4 : NO_MATCH;
  for (;;) {
    const end = parseOther(field, field.kind, from, row);
    if (end !== NO_MATCH || !unescapeScalar(field, from)) return end;
  }
  return NO_MATCH;
}

/**
 * Parses a value of any kind. Separate from {@link parseValue}, which has one caller and few kinds so that the compiler
 * inlines it.
 */
function parseOther(field: Field, kind: Kind, at: usize, row: u32): usize {
  const column = field.column;
  switch (kind) {
    case Kind.Text:
      return parseText(column, at, row);
    case Kind.Integer:
      return parseInteger(column, at, row);
    case Kind.Boolean:
      return parseBoolean(column, at, row);
    case Kind.Timestamp:
      return parseTimestamp(column, at, row);
    case Kind.Epoch:
      return parseEpoch(column, at, row);
    case Kind.List:
      return parseList(field, at, row);
    case Kind.Long:
      return parseLong(column, at, row);
    case Kind.Double:
      return parseDouble(column, at, row);
    case Kind.Decimal:
      return parseExact(column, at, row, field.precision, field.scale);
    case Kind.Date:
      return parseDate(column, at, row);
    case Kind.EpochMillis:
      return parseEpochCount(column, at, row, MILLIS_POWER);
    case Kind.EpochMicros:
      return parseEpochCount(column, at, row, 0);
    case Kind.Json:
      return parseJson(column, at, row);
    case Kind.Map:
      return parseMap(field, at, row);
    case Kind.Object:
      return parseObject(field.shape, at, row);
    case Kind.ObjectOrText:
      return parseObjectOrText(field.shape, at, row);
    case Kind.Ruled: {
      if (field.isStrict && byteAt(at) === QUOTE) return NO_MATCH;
      const end = parseOther(field, field.type, at, row);
      return end !== NO_MATCH && isAllowed(field, row) ? end : NO_MATCH;
    }
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
  return kind !== Kind.Text && kind !== Kind.Json && kind !== Kind.ObjectOrText;
}

function parseList(field: Field, from: usize, row: u32): usize {
  if (byteAt(from) !== OPEN_BRACKET) return NO_MATCH;
  let at = skipSpaces(from + 1);
  let length: u32 = 0;
  if (byteAt(at) !== CLOSE_BRACKET) {
    for (;;) {
      at = parseItem(field.item, at, begin(field.items, row, length));
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
      if (at !== NO_MATCH) at = parseItem(field.item, at, itemRow);
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
