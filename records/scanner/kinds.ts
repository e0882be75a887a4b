/** Tells records of several kinds apart by the text of one field, before they are parsed. */
import { Level, begin } from './columns';
import {
  COLON,
  COMMA,
  NO_MATCH,
  OPEN_BRACE,
  QUOTE,
  ROOM_BYTES,
  byteAt,
  isSameBytes,
  readText,
  skipSpaces,
  textFrom,
  textTo,
} from './json';
import { allocate, reallocate } from './memory';
import { parseObject } from './objects';
import { skipRaw, skipRawText } from './raw';
import { Shape } from './shapes';
import { Texts, newTexts, numberOf, truncateTexts } from './texts';

/** The most bytes of an escape for each byte of a string. */
const ESCAPE_BYTES: usize = 6;
/** The addresses of a kind's level and shape, 32 bits each. */
const KIND_BYTES: usize = 8;

/** Returned for a record without a kind. */
const NO_NUMBER: u32 = 0xffff_ffff;

/** Whether the records are of several kinds. */
export let hasKinds: bool = false;

/** The name of the deciding field. */
let name: usize = 0;
let nameLength: usize = 0;
/** The kinds and their number. */
let kinds: usize = 0;
let count: u32 = 0;
/** The texts of all kinds, and the kind of each, 32 bits each. */
let texts = changetype<Texts>(0);
let kindOfText: usize = 0;
/** A buffer for an escaped string with its quotes, and its size. */
let scratch: usize = 0;
let scratchBytes: usize = 0;

/** Removes all kinds, whose memory was freed. */
export function clearKinds(): void {
  hasKinds = false;
  count = 0;
  kinds = 0;
  kindOfText = 0;
  scratchBytes = 0;
}

/** Sets the deciding field by its name. */
export function newMatchField(from: usize, length: usize): void {
  hasKinds = true;
  name = allocate(length + ROOM_BYTES);
  nameLength = length;
  memory.copy(name, from, length);
  texts = newTexts();
  reserve(length);
}

/** Adds a kind; returns its number. */
export function createKind(level: Level, shape: Shape): u32 {
  kinds = reallocate(kinds, count * KIND_BYTES, (count + 1) * KIND_BYTES);
  store<u32>(kinds + count * KIND_BYTES, changetype<usize>(level) as u32);
  store<u32>(kinds + count * KIND_BYTES, changetype<usize>(shape) as u32, 4);
  count += 1;
  return count - 1;
}

/** Adds a text of a kind, unless it is one of an earlier kind. */
export function nameKind(kind: u32, from: usize, length: usize): void {
  const known = texts.size;
  if (numberOf(texts, from, from + length) < known) return;
  kindOfText = reallocate(kindOfText, 4 * known, 4 * (known + 1));
  store<u32>(kindOfText + (known << 2), kind);
  reserve(length);
}

function reserve(length: usize): void {
  const needed = length * ESCAPE_BYTES + 2;
  if (needed <= scratchBytes) return;
  scratch = allocate(needed + ROOM_BYTES);
  scratchBytes = needed;
}

/** Parses a record into a row of its kind. */
export function parseOneKind(from: usize, row: u32): usize {
  const number = kindAt(from);
  if (number === NO_NUMBER) return NO_MATCH;
  const kind = kinds + number * KIND_BYTES;
  const level = changetype<Level>(load<u32>(kind) as usize);
  return parseObject(changetype<Shape>(load<u32>(kind, 4) as usize), from, begin(level, row, 0));
}

/** Returns the number of a record's kind without changing its bytes; `NO_NUMBER` if it has none. */
function kindAt(from: usize): u32 {
  if (byteAt(from) !== OPEN_BRACE) return NO_NUMBER;
  let at = skipSpaces(from + 1);
  while (byteAt(at) === QUOTE) {
    const isDeciding = isName(at);
    at = skipRawText(at);
    if (at === NO_MATCH) return NO_NUMBER;
    at = skipSpaces(at);
    if (byteAt(at) !== COLON) return NO_NUMBER;
    at = skipSpaces(at + 1);
    if (isDeciding) return kindOfString(at);
    at = skipRaw(at);
    if (at === NO_MATCH) return NO_NUMBER;
    at = skipSpaces(at);
    if (byteAt(at) !== COMMA) return NO_NUMBER;
    at = skipSpaces(at + 1);
  }
  return NO_NUMBER;
}

/** Returns whether a string is the name of the deciding field. */
function isName(at: usize): bool {
  return readCopy(at) && textTo - textFrom === nameLength && isSameBytes(textFrom, name, nameLength);
}

function kindOfString(at: usize): u32 {
  if (byteAt(at) !== QUOTE || !readCopy(at)) return NO_NUMBER;
  const known = texts.size;
  const number = numberOf(texts, textFrom, textTo);
  if (number < known) return load<u32>(kindOfText + (number << 2));
  truncateTexts(texts, known);
  return NO_NUMBER;
}

/** Reads a copy of a string, which is unescaped in place; returns false if it is too long for any text, or invalid. */
function readCopy(at: usize): bool {
  const end = skipRawText(at);
  if (end === NO_MATCH || end - at > scratchBytes) return false;
  memory.copy(scratch, at, end - at);
  return readText(scratch) !== NO_MATCH;
}
