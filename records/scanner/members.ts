/**
 * The names of unknown members of the objects that are being parsed, to find duplicates: a stack, on which the members of
 * an object are above those of the objects that contain it.
 */
import { firstOfWord, isSameBytes } from './json';
import { allocate, reallocate } from './memory';

const WORD_BYTES: usize = 8;
/** The address and the length of a name, 32 bits each. */
const MEMBER_BYTES: usize = 8;
const FIRST_MEMBERS: usize = 1 << 8;
/** From this number on, sorting is faster than comparing each pair. */
const MIN_SORTED: usize = 16;

/** The address of the stack, its capacity in bytes, and the bytes of its members. */
let stack: usize = 0;
let room: usize = 0;
let used: usize = 0;

/** Creates the stack, in memory that was freed. */
export function createMembers(): void {
  stack = allocate(FIRST_MEMBERS * MEMBER_BYTES);
  room = FIRST_MEMBERS * MEMBER_BYTES;
  used = 0;
}

/** Removes all members. */
export function clearMembers(): void {
  used = 0;
}

/** Returns the bytes of the members on the stack. */
export function memberBytes(): usize {
  return used;
}

/** Adds a member by its unescaped name, whose bytes must not change until the object ends. */
export function addMember(from: usize, to: usize): void {
  if (used === room) {
    stack = reallocate(stack, room, 2 * room);
    room *= 2;
  }
  store<u32>(stack + used, from as u32);
  store<u32>(stack + used, (to - from) as u32, 4);
  used += MEMBER_BYTES;
}

/**
 * Removes the members of an object at its end.
 * @param before The {@link memberBytes} when the object began.
 * @returns Whether two have the same name.
 */
export function endMembers(before: usize): bool {
  const from = stack + before;
  const count = (used - before) / MEMBER_BYTES;
  const top = stack + used;
  used = before;
  return count < MIN_SORTED ? hasSamePair(from, top) : hasSameNeighbors(from, count);
}

function hasSamePair(from: usize, top: usize): bool {
  for (let one = from; one < top; one += MEMBER_BYTES)
    for (let other = one + MEMBER_BYTES; other < top; other += MEMBER_BYTES)
      if (isSame(one, other)) return true;
  return false;
}

/** Sorts first, since comparing each pair of the 200,000 members that a record can have takes minutes. */
function hasSameNeighbors(from: usize, count: usize): bool {
  for (let parent = count / 2; parent > 0; parent -= 1) sink(from, parent - 1, count);
  for (let last = count - 1; last > 0; last -= 1) {
    swap(from, from + last * MEMBER_BYTES);
    sink(from, 0, last);
  }
  for (let at: usize = 1; at < count; at += 1)
    if (isSame(from + (at - 1) * MEMBER_BYTES, from + at * MEMBER_BYTES)) return true;
  return false;
}

/** Moves a member down a heap of `count` members to its place. */
function sink(from: usize, index: usize, count: usize): void {
  for (let at = index; ;) {
    let child: usize = 2 * at + 1;
    if (child >= count) return;
    const right = child + 1;
    if (right < count && isLess(from + child * MEMBER_BYTES, from + right * MEMBER_BYTES)) child = right;
    if (!isLess(from + at * MEMBER_BYTES, from + child * MEMBER_BYTES)) return;
    swap(from + at * MEMBER_BYTES, from + child * MEMBER_BYTES);
    at = child;
  }
}

function swap(one: usize, other: usize): void {
  const member = load<u64>(one);
  store<u64>(one, load<u64>(other));
  store<u64>(other, member);
}

function isSame(one: usize, other: usize): bool {
  const length: usize = load<u32>(one, 4);
  return length === load<u32>(other, 4) && isSameBytes(load<u32>(one), load<u32>(other), length);
}

/** Orders by length, then by content. */
function isLess(one: usize, other: usize): bool {
  const length: usize = load<u32>(one, 4);
  const otherLength: usize = load<u32>(other, 4);
  if (length !== otherLength) return length < otherLength;
  const left: usize = load<u32>(one);
  const right: usize = load<u32>(other);
  let at: usize = 0;
  for (; at + WORD_BYTES <= length; at += WORD_BYTES)
    if (load<u64>(left + at) !== load<u64>(right + at)) return load<u64>(left + at) < load<u64>(right + at);
  return firstOfWord(left + at, length - at) < firstOfWord(right + at, length - at);
}
