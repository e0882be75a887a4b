import { truncate } from '../lib/truncate.ts';
import type { ErrorCode } from './errors.ts';
import { formatNumber } from './figures.ts';
import type { Step } from './step.ts';

/** The number of skipped items that a run keeps; earlier ones are only counted, to bound the run's state. */
export const MAX_SKIPPED_KEPT = 50;

/** The length limit of a skipped item's description, in UTF-16 code units. */
export const MAX_SKIPPED_LENGTH = 2_000;

/** A chunk or a batch that a person let a run skip; or an overridden check, after which all records were processed. */
export interface Skipped {
  readonly step: Step;
  /** The chunk, or the offsets. */
  readonly what: string;
  /** The code of the error that it was skipped for. */
  readonly code: string;
}

/** The items that a run skipped. */
export interface SkippedLog {
  /** The latest items, oldest first. */
  readonly skipped: readonly Skipped[];
  readonly earlierSkipped: EarlierSkipped;
}

/** Counts of the skipped items that are no longer kept. */
export interface EarlierSkipped {
  readonly count: number;
  /** The number of them that prevent the content from being marked as ingested. */
  readonly unmarked: number;
}

/** An empty log. */
export const NOTHING_SKIPPED: SkippedLog = { skipped: [], earlierSkipped: { count: 0, unmarked: 0 } };

/** Checks that a person can override, after which all records are still processed; by error code. */
const OVERRIDDEN_CHECKS: ReadonlyMap<string, string> = new Map<ErrorCode, string>([
  ['QUARANTINE_LIMIT', 'past the quarantine limit'],
  ['NOTHING_GOOD', 'on with no record good'],
  ['CONTENT_UNPROVEN', 'on without marking the content as ingested'],
]);

/** Appends an item; drops and counts the oldest beyond {@link MAX_SKIPPED_KEPT}. */
export function withSkipped({ skipped, earlierSkipped }: SkippedLog, one: Skipped): SkippedLog {
  const all = [...skipped, { ...one, what: truncate(one.what, MAX_SKIPPED_LENGTH) }];
  const dropped = all.slice(0, Math.max(0, all.length - MAX_SKIPPED_KEPT));
  return {
    skipped: all.slice(dropped.length),
    earlierSkipped: {
      count: earlierSkipped.count + dropped.length,
      unmarked: earlierSkipped.unmarked + dropped.filter(isUnmarked).length,
    },
  };
}

/**
 * Returns whether the run's content must not be marked as ingested: part of it was left out, or nothing proves that it
 * was published.
 */
export function isContentIncomplete({ skipped, earlierSkipped }: SkippedLog): boolean {
  return earlierSkipped.unmarked > 0 || skipped.some(isUnmarked);
}

/** Returns the number of skipped items. */
export function skippedCount({ skipped, earlierSkipped }: SkippedLog): number {
  return earlierSkipped.count + skipped.length;
}

/**
 * Formats the skipped items for people, one per line.
 * @param limit The number of items shown; earlier ones are only counted.
 */
export function skippedLines(log: SkippedLog, limit = MAX_SKIPPED_KEPT): string[] {
  const shown = log.skipped.slice(-limit);
  const earlier = skippedCount(log) - shown.length;
  return [
    ...(earlier === 0 ? [] : [`skipped earlier: ${formatNumber(earlier)}`]),
    ...shown.map(({ step, what, code }) => {
      const overridden = OVERRIDDEN_CHECKS.get(code);
      return overridden === undefined
        ? `skipped at ${step}: ${what} (${code})`
        : `went ${overridden} at ${step}: ${what}`;
    }),
  ];
}

function isUnmarked({ code }: Skipped): boolean {
  return !OVERRIDDEN_CHECKS.has(code) || code === 'CONTENT_UNPROVEN';
}
