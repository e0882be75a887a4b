import { formatCount, formatNumber } from './figures.ts';
import { shorten } from './printable.ts';

/**
 * How often fields were met that no table knows: the most frequent by their paths, the others together. A path can hold a
 * name from outside, so that there is no end of them.
 */
export interface FieldCounts {
  /** By path. Where there are others, each of these was met at least so often. */
  readonly unknownFields: Readonly<Record<string, number>>;
  readonly otherUnknownFields: OtherFields;
}

/** Fields that are not named. */
export interface OtherFields {
  /** How many paths they have, at least. */
  readonly paths: number;
  /** How often they were met. */
  readonly fields: number;
}

/** No field at all. */
export const NO_FIELDS: FieldCounts = { unknownFields: {}, otherUnknownFields: { paths: 0, fields: 0 } };

/** How many paths a step or a run names: each is kept in the run's history, and has at most 700 bytes. */
export const MAX_NAMED_FIELDS = 50;

/** A longer path is cut where people read it. */
const MAX_SHOWN_CHARACTERS = 200;

/** How many paths are told apart; then the rarer half is forgotten, so that frequent ones that come late still count. */
const MAX_KNOWN_PATHS = 20_000;

/** Counts fields by their paths, in bounded memory. No count is lost: what is forgotten counts among the others. */
export class FieldTally {
  readonly #counts = new Map<string, number>();
  /** Fields of forgotten paths. */
  #otherFields = 0;
  /** How many paths there are in all, at least. */
  #paths = 0;

  /** Adds counts to those of their paths. */
  addAll(counts: Iterable<readonly [path: string, count: number]>): void {
    for (const [path, count] of counts) {
      const known = this.#counts.get(path);
      if (known === undefined && this.#counts.size >= MAX_KNOWN_PATHS) this.#forgetHalf();
      this.#counts.set(path, (known ?? 0) + count);
    }
    this.#paths = Math.max(this.#paths, this.#counts.size);
  }

  /** Adds what another tally answered. */
  addCounts({ unknownFields, otherUnknownFields: { paths, fields } }: FieldCounts): void {
    const named = Object.entries(unknownFields);
    this.addAll(named);
    this.#otherFields += fields;
    this.#paths = Math.max(this.#paths, named.length + paths);
  }

  /** Returns the counts, of which at most so many are named. */
  top(most: number): FieldCounts {
    const sorted = this.#sorted();
    const named = sorted.slice(0, most);
    return {
      unknownFields: Object.fromEntries(named),
      otherUnknownFields: {
        paths: this.#paths - named.length,
        fields: this.#otherFields + sumOf(sorted.slice(most)),
      },
    };
  }

  #forgetHalf(): void {
    this.#paths = Math.max(this.#paths, this.#counts.size);
    const forgotten = this.#sorted().slice(MAX_KNOWN_PATHS / 2);
    for (const [path] of forgotten) this.#counts.delete(path);
    this.#otherFields += sumOf(forgotten);
  }

  /** The most frequent first; of the same count, the one that was met first. */
  #sorted(): [string, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}

/** Returns counts for people, a line each; empty where no field was met. */
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
