/** Parses JSON numbers as JavaScript does: to the nearest double, and back to its shortest decimal; see json.ts. */
import { LOWER_CASE, MINUS, NO_MATCH, PLUS, POINT, ZERO, byteAt, isDigit } from './json';
import { skipDigits } from './values';

/**
 * Writes the decimal that JavaScript prints for a JSON number.
 * @returns Its length in bytes, less than `DECIMAL_BYTES`.
 */
declare function printNumber(from: usize, length: usize, to: usize): usize;

const LOWER_E: u32 = 0x65;

/** The significant digits that every double keeps: a number with at most that many is printed as it was written. */
const MAX_EXACT_DIGITS: i32 = 15;
/** Below this, numbers may become zero; above it, infinite. */
const MAX_EXACT_EXPONENT: i32 = 290;
/** The digits that fit 64 bits without a sign. */
export const MAX_DIGITS: i32 = 19;
/** Limits an exponent, which may have any number of digits: more than the digits of any record. */
const MAX_EXPONENT: i32 = 100_000_000;
/** The size of a printed number, with the padding after each text; see json.ts. */
const DECIMAL_BYTES: usize = 128;
const printed: usize = memory.data(DECIMAL_BYTES as i32);

/** The last number that {@link readNumber} read: the product of `significand`, without trailing zeros, and a power of 10. */
export let significand: u64 = 0;
/** The power of 10. */
export let exponent: i32 = 0;
/** The number of digits of the significand; 0 for zero. */
export let digits: i32 = 0;
export let isNegative: bool = false;

/** Zeros that follow the significand so far. */
let zeros: i32 = 0;

/** Reads a number; returns its end, or `NO_MATCH` if it is none or infinite. */
export function readNumber(from: usize): usize {
  const end = readDecimal(from);
  if (end === NO_MATCH || isExact()) return end;
  const length = printNumber(from, end - from, printed);
  memory.fill(printed + length, 0, DECIMAL_BYTES - length);
  return readDecimal(printed) === NO_MATCH ? NO_MATCH : end;
}

function isExact(): bool {
  return digits <= MAX_EXACT_DIGITS && exponent >= -MAX_EXACT_EXPONENT && exponent <= MAX_EXACT_EXPONENT;
}

/** Reads a number of the grammar of JSON (RFC 8259, 6). If it has more than `MAX_DIGITS`, the significand is wrong. */
export function readDecimal(from: usize): usize {
  isNegative = byteAt(from) === MINUS;
  const first = isNegative ? from + 1 : from;
  significand = 0;
  digits = 0;
  zeros = 0;
  exponent = 0;
  let at = readDigits(first);
  if (at === first || (at - first > 1 && byteAt(first) === ZERO)) return NO_MATCH;
  if (byteAt(at) === POINT) {
    const decimals = at + 1;
    at = readDigits(decimals);
    if (at === decimals) return NO_MATCH;
    exponent = -((at - decimals) as i32);
  }
  if ((byteAt(at) | LOWER_CASE) === LOWER_E) at = readExponent(at + 1);
  exponent = digits === 0 ? 0 : exponent + zeros;
  return at;
}

/** Appends digits to the significand. */
function readDigits(from: usize): usize {
  let at = from;
  for (; isDigit(byteAt(at)); at += 1) {
    const digit = byteAt(at) - ZERO;
    if (digit === 0) {
      if (digits > 0) zeros += 1;
      continue;
    }
    digits += zeros + 1;
    if (digits <= MAX_DIGITS) significand = significand * powerOf10(zeros + 1) + (digit as u64);
    zeros = 0;
  }
  return at;
}

function readExponent(from: usize): usize {
  const sign = byteAt(from);
  const first = sign === MINUS || sign === PLUS ? from + 1 : from;
  const end = skipDigits(first);
  if (end === first) return NO_MATCH;
  let power: i32 = 0;
  for (let at = first; at < end; at += 1)
    power = min(power * 10 + ((byteAt(at) - ZERO) as i32), MAX_EXPONENT);
  exponent += sign === MINUS ? -power : power;
  return end;
}

/** Returns 10 to a power of at most 18. */
export function powerOf10(power: i32): u64 {
  let product: u64 = 1;
  for (let left = power; left > 0; left -= 1) product *= 10;
  return product;
}
