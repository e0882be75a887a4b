/** A measured property and its goal. */
export interface Goal {
  /** Such as `Spark's seconds / ours`. */
  readonly what: string;
  readonly value: number;
  /** `times` are ratios within one run, comparable across machines; the others are specific to this machine. */
  readonly unit: 'times' | 'MiB' | 'names';
  readonly sense: 'at least' | 'at most';
  /** Null where there is no goal. */
  readonly bound: number | null;
}

/** Factor by which a ratio of a quick run may be worse than the documented one. */
export const MARGIN = 2;

/**
 * Returns the median of the values.
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

/** Returns the ratio of two medians. */
export function ratio(one: readonly number[], other: readonly number[]): number {
  return median(one) / median(other);
}

/** Returns whether a goal is reached; true where there is none. */
export function isMet({ value, sense, bound }: Goal): boolean {
  if (bound === null) return true;
  return sense === 'at least' ? value >= bound : value <= bound;
}

/** Returns a line for each documented ratio that has become worse by more than {@link MARGIN}. */
export function regressions(now: readonly Goal[], documented: readonly Goal[]): string[] {
  return documented
    .filter(({ unit }) => unit === 'times')
    .flatMap(({ what, value, sense }) => {
      const found = now.find((goal) => goal.what === what);
      if (found === undefined) return [`${what}: was ${shown(value)}, and is not measured any more`];
      const limit = sense === 'at least' ? value / MARGIN : value * MARGIN;
      // Negated, so that NaN counts as a regression too.
      const holds = sense === 'at least' ? found.value >= limit : found.value <= limit;
      return holds ? [] : [`${what}: ${shown(found.value)}, ${sense} ${shown(limit)} is asked for`];
    });
}

function shown(value: number): string {
  return value.toFixed(2);
}
