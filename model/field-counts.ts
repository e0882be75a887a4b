import { formatCount, formatNumber } from './figures.ts';
import { shorten } from './printable.ts';

/**
 * Counts of fields that the contract does not know: the most frequent by path, the others summed. Paths contain names
 * from outside, so their number is unbounded.
 */
export interface FieldCounts {
  /** Counts by path; lower bounds if there are other fields. */
  readonly unknownFields: Readonly<Record<string, number>>;
  readonly otherUnknownFields: OtherFields;
}

/** Unknown fields that are not listed by path. */
export interface OtherFields {
  /** The number of their paths, at least. */
  readonly paths: number;
  /** The sum of their counts. */
  readonly fields: number;
}

/** No unknown fields. */
export const NO_FIELDS: FieldCounts = { unknownFields: {}, otherUnknownFields: { paths: 0, fields: 0 } };

/** The number of paths that a step or a run lists; each is kept in the run's history and has at most 700 bytes. */
export const MAX_NAMED_FIELDS = 50;

/** The length limit of a path in output for people. */
const MAX_SHOWN_CHARACTERS = 200;

/** The number of paths counted separately. Beyond it the rarer half is evicted, so that late frequent paths still count. */
const MAX_TRACKED_PATHS = 20_000;

/** Counts fields by path in bounded memory. Counts of evicted paths are added to the others. */
export class FieldTally {
  readonly #counts = new Map<string, number>();
  /** The sum of the counts of evicted paths. */
  #otherFields = 0;
  /** The number of distinct paths, at least. */
  #paths = 0;

  /** Adds counts by path. */
  addAll(counts: Iterable<readonly [path: string, count: number]>): void {
    for (const [path, count] of counts) {
      const known = this.#counts.get(path);
      if (known === undefined && this.#counts.size >= MAX_TRACKED_PATHS) this.#evictHalf();
      this.#counts.set(path, (known ?? 0) + count);
    }
    this.#paths = Math.max(this.#paths, this.#counts.size);
  }

  /** Adds the result of another tally. */
  addCounts({ unknownFields, otherUnknownFields: { paths, fields } }: FieldCounts): void {
    const named = Object.entries(unknownFields);
    this.addAll(named);
    this.#otherFields += fields;
    this.#paths = Math.max(this.#paths, named.length + paths);
  }

  /** Returns the counts, at most `limit` of them by path. */
  top(limit: number): FieldCounts {
    const sorted = this.#sorted();
    const named = sorted.slice(0, limit);
    return {
      unknownFields: Object.fromEntries(named),
      otherUnknownFields: {
        paths: this.#paths - named.length,
        fields: this.#otherFields + sumOf(sorted.slice(limit)),
      },
    };
  }

  #evictHalf(): void {
    this.#paths = Math.max(this.#paths, this.#counts.size);
    const evicted = this.#sorted().slice(MAX_TRACKED_PATHS / 2);
    for (const [path] of evicted) this.#counts.delete(path);
    this.#otherFields += sumOf(evicted);
  }

  /** Sorted by count, descending; equal counts in order of their first occurrence. */
  #sorted(): [string, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}

/** Formats the counts for people, one per line; empty without unknown fields. */
export function fieldLines({ unknownFields, otherUnknownFields: { paths, fields } }: FieldCounts): string[] {
  const atLeast = fields === 0 ? '' : 'at least ';
  return [
    ...Object.entries(unknownFields)
      .sort(([, a], [, b]) => b - a)
      .map(
        ([path, count]) =>
          `no table knows the field ${shorten(path, MAX_SHOWN_CHARACTERS)}: met ${atLeast}${formatCount(count, 'time')}`,
      ),
    ...(fields === 0
      ? []
      : [`no table knows ${formatNumber(paths)} or more other fields: met ${formatCount(fields, 'time')}`]),
  ];
}

function sumOf(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}
