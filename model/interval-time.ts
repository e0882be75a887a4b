/** ISO 8601: a date, or a time with optional seconds and UTC offset. */
const ISO_TIME =
  /^(\d{4}-\d\d-\d\d)(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** The range of times that Parquet readers support, years 1 to 9999, in milliseconds since 1970. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Returns whether a text is a valid bound of an interval, as 2026-01-31 or 2026-01-31T12:00:00Z. `Date.parse` alone is
 * too lenient: it accepts any text in brackets after a year, for example.
 */
export function isIntervalTime(text: string): boolean {
  const [, day] = ISO_TIME.exec(text) ?? [];
  const ms = Date.parse(text);
  return day !== undefined && isDay(day) && ms >= FIRST_MS && ms <= LAST_MS;
}

/** Returns whether a date exists: `Date.parse` reads 30 February as 2 March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
