/** The offsets [start, end). */
export interface OffsetSpan {
  readonly start: number;
  readonly end: number;
}

const WORD_BITS = 32;
const CHUNK_WORDS = 2048;
const CHUNK_OFFSETS = CHUNK_WORDS * WORD_BITS;

/** The number of spans that a message lists. */
const MAX_SPANS = 5;

/** A set of offsets as a chunked bitmap: ten million adjacent offsets take little more than a megabyte. */
export class OffsetSet {
  readonly #chunks = new Map<number, Uint32Array>();
  #size = 0;

  /** The number of offsets. */
  get size(): number {
    return this.#size;
  }

  /** Adds an offset; returns whether it is new. */
  add(offset: number): boolean {
    const key = Math.floor(offset / CHUNK_OFFSETS);
    let chunk = this.#chunks.get(key);
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_WORDS);
      this.#chunks.set(key, chunk);
    }
    const index = offset % CHUNK_OFFSETS;
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    const bits = chunk[word] ?? 0;
    if ((bits & bit) !== 0) return false;
    chunk[word] = bits | bit;
    this.#size += 1;
    return true;
  }

  /** Adds all offsets of a span. */
  addSpan({ start, end }: OffsetSpan): void {
    for (let offset = start; offset < end; offset += 1) this.add(offset);
  }

  /** Returns the offsets that are in none of the other sets, as sorted maximal spans. */
  without(...others: readonly OffsetSet[]): OffsetSpan[] {
    const spans: { start: number; end: number }[] = [];
    for (const offset of this.#offsetsWithout(others)) {
      const last = spans.at(-1);
      if (last?.end === offset) last.end += 1;
      else spans.push({ start: offset, end: offset + 1 });
    }
    return spans;
  }

  *#offsetsWithout(others: readonly OffsetSet[]): Generator<number> {
    for (const key of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const own = this.#chunks.get(key);
      const excluded = others.map((other) => other.#chunks.get(key));
      for (let word = 0; word < CHUNK_WORDS; word += 1) {
        let bits = excluded.reduce((rest, chunk) => rest & ~(chunk?.[word] ?? 0), own?.[word] ?? 0);
        for (; bits !== 0; bits &= bits - 1) {
          // The lowest bit that is set.
          yield key * CHUNK_OFFSETS + word * WORD_BITS + (31 - Math.clz32(bits & -bits));
        }
      }
    }
  }
}

/** Returns the parts of spans within [start, end). */
export function clipSpans(spans: readonly OffsetSpan[], start: number, end: number): OffsetSpan[] {
  return spans
    .map((span) => ({ start: Math.max(span.start, start), end: Math.min(span.end, end) }))
    .filter((span) => span.start < span.end);
}

/** Returns the number of offsets in spans that do not overlap. */
export function countOffsets(spans: readonly OffsetSpan[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** Formats spans, as `3, 7 to 9`. */
export function formatSpans(spans: readonly OffsetSpan[]): string {
  const texts = spans
    .slice(0, MAX_SPANS)
    .map(({ start, end }) => (end === start + 1 ? String(start) : `${start} to ${end - 1}`));
  const more = spans.length - texts.length;
  return more === 0 ? texts.join(', ') : `${texts.join(', ')} and ${more} more such spans`;
}
