/** Finds the fields of a shape by the names in an object. */
import {
  CLOSE_BRACE,
  COLON,
  COMMA,
  NO_MATCH,
  byteAt,
  isSameBytes,
  readText,
  skipSpaces,
  textFrom,
  textTo,
} from './json';
import { addMember } from './members';
import { Field, Shape, indexedField, noteUnknown } from './shapes';
import { numberOf } from './texts';
import { skipValue } from './unknown';

/** Returns the field that is expected at an index, if any. */
export function usualAt(shape: Shape, place: u32): Field | null {
  return place < shape.size ? changetype<Field>(load<usize>(shape.order + (place << 2))) : null;
}

/** Returns 1 for the first field, which has no comma before its name, else 0. */
export function missingComma(place: u32): usize {
  return place === 0 ? 1 : 0;
}

/** The field that {@link seekField} found, or whose name {@link readName} read; null if there is none. */
export let sought: Field | null = null;

/**
 * Skips unknown fields, and the name of the next known one with its colon.
 * @param place The number of known fields before it.
 * @returns The end of the name, or of the object's fields if there is no known field.
 */
export function seekField(shape: Shape, from: usize, place: u32): usize {
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
export function skipColon(from: usize): usize {
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
