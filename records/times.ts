/** Times as texts of JSON: which are accepted, and the microsecond that each is. The scanner reads them by the same rules. */

/** The milliseconds since 1970 of the first and the last moment that every reader of the tables can hold. */
export const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z');
export const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** In microseconds; the second is the first that is too late. */
const EARLIEST = BigInt(EARLIEST_MS) * 1000n;
const TOO_LATE = BigInt(LATEST_MS + 1) * 1000n;

/** Up to nine decimals, and any zeros after them. */
const FRACTION = String.raw`(?:\.(\d{1,9})0*)?`;
const ZONE = String.raw`(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)`;
const TIMESTAMP = new RegExp(
  String.raw`^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)${FRACTION}${ZONE}$`,
);
const EPOCH = new RegExp(String.raw`^(-?)(\d{1,12})${FRACTION}$`);

/**
 * Returns the microseconds since 1970 of a time of RFC 3339, as `2018-01-31T12:00:00.000Z`; undefined for any other
 * text. A space is accepted in place of the T, and an offset as `+0530` or `+05`. Of nanoseconds, the nearest
 * microsecond is taken; half of one is rounded up.
 */
export function microsOfTimestamp(text: string): bigint | undefined {
  const [, year = '', month, day, hour, minute, second, fraction, sign, hours = '0', minutes = '0'] =
    TIMESTAMP.exec(text) ?? [];
  if (year === '' || year === '0000') return undefined;
  const date = new Date(`${year}-${month}-${day}T00:00:00.000Z`);
  // The calendar itself says whether there is such a day: 30 February would come back as 2 March.
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return undefined;
  const ahead = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60);
  const ofDay = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  return microsOf(date.getTime() / 1000 + ofDay - ahead, fraction);
}

/**
 * Returns the microseconds that seconds since 1970 are, as `1516717442.735266`; undefined for any other text. The
 * nearest microsecond is taken; half of one is rounded away from 1970.
 */
export function microsOfEpoch(text: string): bigint | undefined {
  const [, sign, seconds, fraction] = EPOCH.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const micros = microsOf(Number(seconds), fraction);
  return sign === '-' ? -micros : micros;
}

/** Whether a time is of the years 1 to 9999 in UTC, which every reader of the tables can hold. */
export function isTableTime(micros: bigint): boolean {
  return micros >= EARLIEST && micros < TOO_LATE;
}

function microsOf(seconds: number, fraction = ''): bigint {
  const digits = fraction.padEnd(7, '0');
  const isRoundedUp = digits.charAt(6) >= '5';
  return BigInt(seconds) * 1_000_000n + BigInt(digits.slice(0, 6)) + (isRoundedUp ? 1n : 0n);
}
