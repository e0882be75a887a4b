/** The different texts of a column, numbered from 0 as they first come, as UTF-8. */
import { firstOfWord, isSameWords } from './json';
import { take, takeMore } from './memory';

const FIRST_BYTES: usize = 1 << 12;
const FIRST_TEXTS: u32 = 1 << 8;
const WORD_BYTES: usize = 8;
/** So many bytes follow the last text, so that its last word can be looked at whole. */
const ROOM_BYTES: usize = WORD_BYTES;

/** Some texts; the addresses are those of arrays. */
@unmanaged
export class Texts {
  /** How many there are. */
  size: u32;
  /** Whether one of them has the character U+0000. */
  hasZero: bool;
  /** The texts, one after the other; and how many bytes there is room for. */
  bytes: usize;
  room: usize;
  /** Where each begins, and behind the last one where that ends: 32 bits each. */
  starts: usize;
  /** 32 bits each. */
  hashes: usize;
  /** Of each place the number of the text that stands there, and 1; 0 where there is none. At most half are taken. */
  places: usize;
  /** How many places there are, less 1. */
  mask: u32;
}

/** Texts of which there is none yet. */
export function newTexts(): Texts {
  const texts = changetype<Texts>(take(offsetof<Texts>()));
  texts.bytes = take(FIRST_BYTES);
  texts.room = FIRST_BYTES;
  texts.starts = take(4 * (FIRST_TEXTS + 1));
  texts.hashes = take(4 * FIRST_TEXTS);
  texts.places = take(4 * 2 * FIRST_TEXTS);
  texts.mask = 2 * FIRST_TEXTS - 1;
  return texts;
}

/** The number of a text. */
export function numberOf(texts: Texts, from: usize, to: usize): u32 {
  const length = to - from;
  const hash = hashOf(from, length);
  let place = hash & texts.mask;
  for (;;) {
    const found = load<u32>(texts.places + (place << 2));
    if (found === 0) return add(texts, from, length, hash);
    const number = found - 1;
    if (load<u32>(texts.hashes + (number << 2)) === hash && isSame(texts, number, from, length))
      return number;
    place = (place + 1) & texts.mask;
  }
  return 0;
}

function isSame(texts: Texts, number: u32, from: usize, length: usize): bool {
  const start: usize = load<u32>(texts.starts + (number << 2));
  const end: usize = load<u32>(texts.starts + (number << 2), 4);
  if (end - start !== length) return false;
  const own = texts.bytes + start;
  if (length >= WORD_BYTES) return isSameWords(from, own, length);
  return firstOfWord(from, length) === firstOfWord(own, length);
}

function add(texts: Texts, from: usize, length: usize, hash: u32): u32 {
  const number = texts.size;
  const start: usize = load<u32>(texts.starts + (number << 2));
  const end = start + length;
  if (end + ROOM_BYTES > texts.room) {
    const used = texts.room;
    while (end + ROOM_BYTES > texts.room) texts.room *= 2;
    texts.bytes = takeMore(texts.bytes, used, texts.room);
  }
  memory.copy(texts.bytes + start, from, length);
  if (number > texts.mask >> 1) makeRoom(texts);
  store<u32>(texts.starts + (number << 2), end as u32, 4);
  store<u32>(texts.hashes + (number << 2), hash);
  place(texts, number);
  texts.size = number + 1;
  return number;
}

/** Makes room for twice as many texts. */
function makeRoom(texts: Texts): void {
  const size = texts.size;
  texts.starts = takeMore(texts.starts, 4 * (size + 1), 4 * (2 * size + 1));
  texts.hashes = takeMore(texts.hashes, 4 * size, 4 * 2 * size);
  texts.places = take(4 * 4 * size);
  texts.mask = 4 * size - 1;
  for (let number: u32 = 0; number < size; number += 1) place(texts, number);
}

function place(texts: Texts, number: u32): void {
  let at = load<u32>(texts.hashes + (number << 2)) & texts.mask;
  while (load<u32>(texts.places + (at << 2)) !== 0) at = (at + 1) & texts.mask;
  store<u32>(texts.places + (at << 2), number + 1);
}

/** A number that texts which are the same share, and others hardly ever. */
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
