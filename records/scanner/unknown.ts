/** Skips the values of fields that no shape has. They must be valid JSON, and no object may have a member twice. */
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  NO_MATCH,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  byteAt,
  readText,
  skipSpaces,
  textFrom,
  textTo,
} from './json';
import { addMember, memberBytes, endMembers } from './members';
import { allocate, reallocate } from './memory';
import { readDecimal } from './numbers';

/** `null`, `true` and `fals` as little-endian words. */
const NULL: u32 = 0x6c6c_756e;
const TRUE: u32 = 0x6575_7274;
const FALS: u32 = 0x736c_6166;
const LOWER_E: u32 = 0x65;

const FIRST_DEPTH: usize = 1 << 8;
/** On the stack of containers: an array. */
const ARRAY: u32 = 0xffff_ffff;

/**
 * The containers around a value, 32 bits each: the bytes of the stack of members before an object's, or `ARRAY`. Their
 * number, and the capacity.
 */
let containers: usize = 0;
let depth: usize = 0;
let maxDepth: usize = 0;

/** Creates the stack, in memory that was freed. */
export function createContainers(): void {
  containers = allocate(4 * FIRST_DEPTH);
  maxDepth = FIRST_DEPTH;
}

/** Skips a value, nested to any depth. */
export function skipValue(from: usize): usize {
  depth = 0;
  let at = from;
  for (;;) {
    const isContainer = byteAt(at) === OPEN_BRACE || byteAt(at) === OPEN_BRACKET;
    at = isContainer ? open(at) : skipScalar(at);
    if (at === NO_MATCH) return NO_MATCH;
    if (!isContainer || byteAt(at) === closeOf()) {
      at = closeAll(at);
      if (at === NO_MATCH || depth === 0) return at;
      at = skipSpaces(at + 1);
    }
    if (closeOf() === CLOSE_BRACE) at = skipName(at);
    if (at === NO_MATCH) return NO_MATCH;
  }
  return NO_MATCH;
}

/** Skips the start of a container, and the spaces after it. */
function open(at: usize): usize {
  if (depth === maxDepth) {
    containers = reallocate(containers, 4 * maxDepth, 8 * maxDepth);
    maxDepth *= 2;
  }
  store<u32>(containers + (depth << 2), byteAt(at) === OPEN_BRACE ? (memberBytes() as u32) : ARRAY);
  depth += 1;
  return skipSpaces(at + 1);
}

/** Skips the ends of containers after a value; then there is a comma, or nothing is open. */
function closeAll(from: usize): usize {
  let at = from;
  while (depth > 0) {
    at = skipSpaces(at);
    if (byteAt(at) === COMMA) return at;
    const container = innermost();
    if (byteAt(at) !== closeOf() || (container !== ARRAY && endMembers(container))) return NO_MATCH;
    depth -= 1;
    at += 1;
  }
  return at;
}

function innermost(): u32 {
  return load<u32>(containers + ((depth - 1) << 2));
}

/** Returns the byte that ends the innermost container. */
function closeOf(): u32 {
  return innermost() === ARRAY ? CLOSE_BRACKET : CLOSE_BRACE;
}

/** Skips a member's name and its colon, and the spaces after it. */
function skipName(from: usize): usize {
  const end = readText(from);
  if (end === NO_MATCH) return NO_MATCH;
  addMember(textFrom, textTo);
  const at = skipSpaces(end);
  return byteAt(at) === COLON ? skipSpaces(at + 1) : NO_MATCH;
}

function skipScalar(at: usize): usize {
  if (byteAt(at) === QUOTE) return readText(at);
  const word = load<u32>(at);
  if (word === NULL || word === TRUE) return at + 4;
  if (word === FALS) return byteAt(at + 4) === LOWER_E ? at + 5 : NO_MATCH;
  return readDecimal(at);
}
