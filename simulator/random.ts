const GOLDEN = 0x9e3779b9;

/** Finaliser of MurmurHash3: every bit of the result depends on every bit of the input. */
function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Hashes a key's words into one word of the state. */
function laneOf(key: readonly number[], lane: number): number {
  let state = mixed(lane);
  for (const part of key) {
    state = mixed((state + GOLDEN) ^ (part >>> 0));
    state = mixed((state + GOLDEN) ^ Math.floor(part / 2 ** 32));
  }
  return mixed(state + GOLDEN);
}

/** Two hexadecimal digits per byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Formats an unsigned 32-bit integer as eight hexadecimal digits. */
export function hex32(word: number): string {
  return (
    (HEX[word >>> 24] ?? '') +
    (HEX[(word >>> 16) & 255] ?? '') +
    (HEX[(word >>> 8) & 255] ?? '') +
    (HEX[word & 255] ?? '')
  );
}

/**
 * A stream of pseudo-random numbers that depends on its key alone: the same on every machine and version of Node,
 * since it uses only 32-bit integers and exact divisions. The generator is xoshiro128** (Blackman and Vigna,
 * https://prng.di.unimi.it). Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param key Integers from 0 to 2^53 - 1. Each key has a stream of its own. */
  constructor(...key: readonly number[]) {
    // Four words, each a hash of the whole key: single words of two keys are equal once in 2^32.
    this.#a = laneOf(key, 1);
    this.#b = laneOf(key, 2);
    this.#c = laneOf(key, 3);
    // An all-zero state would remain zero.
    this.#d = laneOf(key, 4) | 1;
  }

  /** Returns an integer from 0 to 2^32 - 1. */
  word(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Returns a number in [0, 1), in steps of 2^-32. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** Returns an integer in [0, bound), for a bound up to 2^22: its bias is below one in a thousand. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** Returns true with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Shuffles the items in place. */
  shuffle<Items extends { [at: number]: unknown; readonly length: number }>(items: Items): Items {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      const held = items[last];
      items[last] = items[other];
      items[other] = held;
    }
    return items;
  }

  /** Returns a UUID with this digit as its version. */
  uuid(version: '1' | '4'): string {
    const [first, second, third, fourth] = [this.word(), this.word(), this.word(), this.word()];
    const middle = hex32(second);
    const variant = hex32((third & 0x3fffffff) | 0x80000000);
    return `${hex32(first)}-${middle.slice(0, 4)}-${version}${middle.slice(5)}-${variant.slice(0, 4)}-${variant.slice(4)}${hex32(fourth)}`;
  }
}

/** Returns the index of the first cumulative weight that is greater than the number drawn, by bisection. */
export function indexIn(sums: readonly number[], drawn: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] ?? 0) > drawn) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Returns the cumulative weights for {@link indexIn}. */
export function risingSums(weights: readonly number[]): number[] {
  let sum = 0;
  return weights.map((weight) => (sum += weight));
}
