/** What a bench found of one property, against what it is to be. */
export interface Goal {
  /** As `Spark's seconds / ours`. */
  readonly what: string;
  readonly value: number;
  /** `times` are ratios within one run, which another machine has too; the others are this machine's. */
  readonly unit: 'times' | 'MiB';
  readonly sense: 'at least' | 'at most';
  /** Null where there is no goal, and the value is of interest alone. */
  readonly bound: number | null;
}

/** By how much a ratio of a quick run may be off the documented one. */
export const MARGIN = 2;

/**
 * The middle of the values, or the mean of the two in the middle.
 *
 * @throws TypeError for no values.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new TypeError('there is no median of nothing');
  return (low + high) / 2;
}

/** How many times the one is the other, by their medians. */
export function ratio(one: readonly number[], other: readonly number[]): number {
  return median(one) / median(other);
}

/** Whether a goal is reached; true where there is none. */
export function isMet({ value, sense, bound }: Goal): boolean {
  if (bound === null) return true;
  return sense === 'at least' ? value >= bound : value <= bound;
}

/** What has become of the documented ratios: a line for each that is worse by more than {@link MARGIN}. */
export function regressions(now: readonly Goal[], documented: readonly Goal[]): string[] {
  return documented
    .filter(({ unit }) => unit === 'times')
    .flatMap(({ what, value, sense }) => {
      const found = now.find((goal) => goal.what === what);
      if (found === undefined) return [`${what}: was ${shown(value)}, and is not measured any more`];
      const limit = sense === 'at least' ? value / MARGIN : value * MARGIN;
      // Not the other way round: a ratio that is no number is a regression too.
      const holds = sense === 'at least' ? found.value >= limit : found.value <= limit;
      return holds ? [] : [`${what}: ${shown(found.value)}, ${sense} ${shown(limit)} is asked for`];
    });
}

function shown(value: number): string {
  return value.toFixed(2);
}
