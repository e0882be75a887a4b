/** The distinct strings of a column in UTF-8, numbered from 0 in order of appearance: an open-addressing hash table. */
import { byteAt, firstOfWord, isSameBytes } from './json';
import { allocate, reallocate } from './memory';

const FIRST_BYTES: usize = 1 << 12;
const FIRST_TEXTS: u32 = 1 << 8;
const WORD_BYTES: usize = 8;
/** Bytes after the last string, so that its last word can be read whole. */
const ROOM_BYTES: usize = WORD_BYTES;

/** A set of strings; addresses are of arrays. */
@unmanaged
export class Texts {
  /** The number of strings. */
  size: u32;
  /** Whether one has the character U+0000. */
  hasZero: bool;
  /** The concatenated strings, and their capacity in bytes. */
  bytes: usize;
  room: usize;
  /** The start offset of each string, then the end of the last: 32 bits each. */
  starts: usize;
  /** The hash of each string, 32 bits each. */
  hashes: usize;
  /** Slots with the number of a string plus 1, or 0 if empty. At most half are occupied. */
  slots: usize;
  /** The number of slots, less 1. */
  mask: u32;
}

/** Creates an empty set. */
export function newTexts(): Texts {
  const texts = changetype<Texts>(allocate(offsetof<Texts>()));
  texts.bytes = allocate(FIRST_BYTES);
  texts.room = FIRST_BYTES;
  texts.starts = allocate(4 * (FIRST_TEXTS + 1));
  texts.hashes = allocate(4 * FIRST_TEXTS);
  texts.slots = allocate(4 * 2 * FIRST_TEXTS);
  texts.mask = 2 * FIRST_TEXTS - 1;
  return texts;
}

/** Returns the number of a string, which is added if new. */
export function numberOf(texts: Texts, from: usize, to: usize): u32 {
  const length = to - from;
  const hash = hashOf(from, length);
  let slot = hash & texts.mask;
  for (;;) {
    const found = load<u32>(texts.slots + (slot << 2));
    if (found === 0) return add(texts, from, length, hash);
    const number = found - 1;
    if (load<u32>(texts.hashes + (number << 2)) === hash && isSame(texts, number, from, length))
      return number;
    slot = (slot + 1) & texts.mask;
  }
  return 0;
}

/** Records whether a string has the character U+0000. */
export function noteZeros(texts: Texts, from: usize, to: usize): void {
  for (let at = from; at < to; at += 1) if (byteAt(at) === 0) texts.hasZero = true;
}

function isSame(texts: Texts, number: u32, from: usize, length: usize): bool {
  const start: usize = load<u32>(texts.starts + (number << 2));
  const end: usize = load<u32>(texts.starts + (number << 2), 4);
  if (end - start !== length) return false;
  return isSameBytes(from, texts.bytes + start, length);
}

function add(texts: Texts, from: usize, length: usize, hash: u32): u32 {
  const number = texts.size;
  const start: usize = load<u32>(texts.starts + (number << 2));
  const end = start + length;
  if (end + ROOM_BYTES > texts.room) {
    const used = texts.room;
    while (end + ROOM_BYTES > texts.room) texts.room *= 2;
    texts.bytes = reallocate(texts.bytes, used, texts.room);
  }
  memory.copy(texts.bytes + start, from, length);
  if (number > texts.mask >> 1) makeRoom(texts);
  store<u32>(texts.starts + (number << 2), end as u32, 4);
  store<u32>(texts.hashes + (number << 2), hash);
  insert(texts, number);
  texts.size = number + 1;
  return number;
}

/** Returns the size of all strings in bytes. */
export function bytesOf(texts: Texts): usize {
  return load<u32>(texts.starts + (texts.size << 2));
}

/** Removes the strings from a number on. */
export function truncateTexts(texts: Texts, size: u32): void {
  memory.fill(texts.slots, 0, 4 * ((texts.mask as usize) + 1));
  texts.size = size;
  for (let number: u32 = 0; number < size; number += 1) insert(texts, number);
}

/** Doubles the capacity. */
function makeRoom(texts: Texts): void {
  const size = texts.size;
  texts.starts = reallocate(texts.starts, 4 * (size + 1), 4 * (2 * size + 1));
  texts.hashes = reallocate(texts.hashes, 4 * size, 4 * 2 * size);
  texts.slots = allocate(4 * 4 * size);
  texts.mask = 4 * size - 1;
  for (let number: u32 = 0; number < size; number += 1) insert(texts, number);
}

function insert(texts: Texts, number: u32): void {
  let at = load<u32>(texts.hashes + (number << 2)) & texts.mask;
  while (load<u32>(texts.slots + (at << 2)) !== 0) at = (at + 1) & texts.mask;
  store<u32>(texts.slots + (at << 2), number + 1);
}

/** Returns a 32-bit hash. */
function hashOf(from: usize, length: usize): u32 {
  let hash: u64 = length;
  let at: usize = 0;
  for (; at + WORD_BYTES <= length; at += WORD_BYTES) hash = mixed(hash, load<u64>(from + at));
  return mixed(hash, firstOfWord(from + at, length - at)) as u32;
}

function mixed(hash: u64, word: u64): u64 {
  const product = (hash ^ word) * 0x9e37_79b9_7f4a_7c15;
  return product ^ (product >> 32);
}
