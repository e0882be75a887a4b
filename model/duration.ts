/** The parts of a duration, the longest first, each with its seconds. */
const UNITS = [
  ['D', 86_400],
  ['H', 3600],
  ['M', 60],
  ['S', 1],
] as const;

/** ISO 8601 without years and months, whose length depends on when they begin; or the same in short, as 1h30m. */
const ISO = /^P(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;
const SHORT = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,8})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/;

/** How a duration is written, for messages. */
export const DURATION_EXAMPLES = '15m, 1h, 1d or PT15M';

/**
 * Reads a duration.
 * @param text As PT1H or P1DT12H, or as 1h or 1d12h.
 * @returns Whole seconds, more than 0; undefined when it is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const [, ...counts] = ISO.exec(text) ?? SHORT.exec(text) ?? [];
  const seconds = UNITS.reduce((sum, [, size], at) => sum + Number(counts[at] ?? 0) * size, 0);
  return seconds > 0 ? seconds : undefined;
}

/** Whole seconds as 1d12h: in days, hours, minutes and seconds. */
export function formatDuration(seconds: number): string {
  return partsOf(seconds)
    .map(({ count, unit }) => `${count}${unit.toLowerCase()}`)
    .join('');
}

/** Whole seconds as ISO 8601 has them, as P1DT12H. */
export function isoDuration(seconds: number): string {
  const parts = partsOf(seconds).map(({ count, unit }) => ({ unit, text: `${count}${unit}` }));
  const days = parts.filter(({ unit }) => unit === 'D').map(({ text }) => text);
  const times = parts.filter(({ unit }) => unit !== 'D').map(({ text }) => text);
  return `P${days.join('')}${times.length === 0 ? '' : `T${times.join('')}`}`;
}

function partsOf(seconds: number): { count: number; unit: 'D' | 'H' | 'M' | 'S' }[] {
  let rest = seconds;
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push({ count, unit });
  }
  return parts;
}
