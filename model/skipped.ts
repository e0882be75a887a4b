import { truncate } from '../lib/truncate.ts';
import type { ErrorCode } from './errors.ts';
import { formatNumber } from './figures.ts';
import type { Step } from './run.ts';

/** A run keeps the latest that it skipped and counts the earlier, so that its state stays small. */
export const MAX_SKIPPED_KEPT = 50;

/** The longest description of what was skipped that is kept, in UTF-16 code units. */
export const MAX_SKIPPED_LENGTH = 2_000;

/** A chunk or a batch that a person let a run skip; or a limit, of which all records went on. */
export interface Skipped {
  readonly step: Step;
  /** Which chunk, or which offsets. */
  readonly what: string;
  /** The error that it was skipped for. */
  readonly code: string;
}

/** What a run skipped. */
export interface SkippedLog {
  /** The latest, the oldest first. */
  readonly skipped: readonly Skipped[];
  readonly earlierSkipped: EarlierSkipped;
}

/** How much was skipped before what is kept. */
export interface EarlierSkipped {
  readonly count: number;
  /** How many of them keep the content from being marked as ingested. */
  readonly unmarked: number;
}

/** The log of a run that skipped nothing. */
export const NOTHING_SKIPPED: SkippedLog = { skipped: [], earlierSkipped: { count: 0, unmarked: 0 } };

/** What a person let a run go past with all of its records, by the error’s code. */
const PASSED: ReadonlyMap<string, string> = new Map<ErrorCode, string>([
  ['QUARANTINE_LIMIT', 'past the quarantine limit'],
  ['NOTHING_GOOD', 'on with no record good'],
  ['CONTENT_UNPROVEN', 'on without marking the content as ingested'],
]);

/** Returns the log with one entry more, bounded. */
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

/** Whether the run's content is not to be marked as ingested: a part was left out, or nothing proves it published. */
export function keepsUnmarked({ skipped, earlierSkipped }: SkippedLog): boolean {
  return earlierSkipped.unmarked > 0 || skipped.some(isUnmarked);
}

/** How often a person let a run skip something. */
export function skippedCount({ skipped, earlierSkipped }: SkippedLog): number {
  return earlierSkipped.count + skipped.length;
}

/**
 * Returns a line about each of what was skipped, for people.
 * @param most How many are shown; the earlier ones are counted.
 */
export function skippedLines(log: SkippedLog, most = MAX_SKIPPED_KEPT): string[] {
  const shown = log.skipped.slice(-most);
  const earlier = skippedCount(log) - shown.length;
  return [
    ...(earlier === 0 ? [] : [`skipped earlier: ${formatNumber(earlier)}`]),
    ...shown.map(({ step, what, code }) => {
      const passed = PASSED.get(code);
      return passed === undefined
        ? `skipped at ${step}: ${what} (${code})`
        : `went ${passed} at ${step}: ${what}`;
    }),
  ];
}

function isUnmarked({ code }: Skipped): boolean {
  return !PASSED.has(code) || code === 'CONTENT_UNPROVEN';
}
