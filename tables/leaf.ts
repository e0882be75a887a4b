import type { LeafType } from '../model/attempt.ts';

const INTEGER_MIN = -(2 ** 31);
const INTEGER_MAX = 2 ** 31 - 1;
const INTEGER_TEXT = /^[+-]?\d{1,10}(\.0{1,20})?$/;
const TIMESTAMP_TEXT =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
/** The customer's clock gives a seventh decimal; a table's time is to the microsecond, the nearest one. */
const EPOCH_TEXT = /^-?\d{1,11}(\.\d{1,9})?$/;

/**
 * What keeps a JSON value from being of a type; undefined when it is of it.
 * A number may be given as its text: "1.0" is the integer 1, and "false" the boolean false. A value that
 * would lose anything, as 1.7 for an integer, is not of the type.
 */
export function readLeaf(value: unknown, type: LeafType): string | undefined {
  if (typeof value === 'object')
    return `must be ${WANTED[type]}, is ${Array.isArray(value) ? 'an array' : 'an object'}`;
  return TESTS[type](value) ? undefined : `must be ${WANTED[type]}, is ${described(value)}`;
}

const WANTED: Record<LeafType, string> = {
  text: 'a text',
  integer: 'a whole number of 32 bits',
  boolean: 'true or false',
  timestamp: 'a time as 2018-01-31T12:00:00.000Z, to the microsecond',
  epoch: 'seconds since 1970',
};

const TESTS: Record<LeafType, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  integer: (value) => {
    const number = typeof value === 'string' && INTEGER_TEXT.test(value) ? Number(value) : value;
    return Number.isInteger(number) && Number(number) >= INTEGER_MIN && Number(number) <= INTEGER_MAX;
  },
  boolean: (value) => typeof value === 'boolean' || value === 'true' || value === 'false',
  timestamp: (value) => typeof value === 'string' && isTimestamp(value),
  epoch: (value) =>
    (typeof value === 'string' || typeof value === 'number') && EPOCH_TEXT.test(String(value)),
};

function isTimestamp(text: string): boolean {
  const parts = TIMESTAMP_TEXT.exec(text);
  if (parts === null) return false;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  if (hour === undefined || hour > 23 || (minute ?? 60) > 59 || (second ?? 60) > 59) return false;
  // The calendar itself says whether there is such a day: 30 February would come back as 2 March.
  const date = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day ?? 0));
  return year !== 0 && date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
}

function described(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? 'another text' : `a ${typeof value} that is none`;
}
