/** The units of a duration in seconds, longest first. */
const UNITS = [
  ['D', 86_400],
  ['H', 3600],
  ['M', 60],
  ['S', 1],
] as const;

/** ISO 8601 without years and months, whose lengths vary; or the short form, as 1h30m. */
const ISO = /^P(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$/;
const SHORT = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,8})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/;

/** Examples of durations, for messages. */
export const DURATION_EXAMPLES = '15m, 1h, 1d or PT15M';

/**
 * Parses a duration, as PT1H, P1DT12H, 1h or 1d12h.
 * @returns Whole seconds, greater than 0; undefined if the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  const [, ...counts] = ISO.exec(text) ?? SHORT.exec(text) ?? [];
  const seconds = UNITS.reduce((sum, [, size], index) => sum + Number(counts[index] ?? 0) * size, 0);
  return seconds > 0 ? seconds : undefined;
}

/** Formats whole seconds in days, hours, minutes and seconds, as 1d12h. */
export function formatDuration(seconds: number): string {
  return splitUnits(seconds)
    .map(({ count, unit }) => `${count}${unit.toLowerCase()}`)
    .join('');
}

/** Formats whole seconds in ISO 8601, as P1DT12H. */
export function isoDuration(seconds: number): string {
  const parts = splitUnits(seconds).map(({ count, unit }) => ({ unit, text: `${count}${unit}` }));
  const days = parts.filter(({ unit }) => unit === 'D').map(({ text }) => text);
  const times = parts.filter(({ unit }) => unit !== 'D').map(({ text }) => text);
  return `P${days.join('')}${times.length === 0 ? '' : `T${times.join('')}`}`;
}

function splitUnits(seconds: number): { count: number; unit: 'D' | 'H' | 'M' | 'S' }[] {
  let rest = seconds;
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push({ count, unit });
  }
  return parts;
}
