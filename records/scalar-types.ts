import type { ScalarType } from './shape.ts';
import { isTableTime, microsOfEpoch, microsOfTimestamp } from './times.ts';

type TimeType = Extract<ScalarType, 'timestamp' | 'epoch'>;

const INTEGER_MIN = -(2 ** 31);
const INTEGER_MAX = 2 ** 31 - 1;
const INTEGER_TEXT = /^[+-]?\d{1,10}(\.0{1,20})?$/;

/**
 * Returns the reason why a JSON value is not of a type; undefined if it is. Strings of numbers and booleans are accepted:
 * "1.0" is the integer 1, and "false" the boolean false. Values that would be rounded, as 1.7 for an integer, are not.
 */
export function scalarFault(value: unknown, type: ScalarType): string | undefined {
  if (typeof value === 'object')
    return `must be ${EXPECTED[type]}, is ${Array.isArray(value) ? 'an array' : 'an object'}`;
  if (type === 'timestamp' || type === 'epoch') {
    const micros = microsOf(value, type);
    if (micros !== undefined)
      return isTableTime(micros) ? undefined : 'must be a time of the years 1 to 9999 in UTC';
  } else if (TESTS[type](value)) return undefined;
  return `must be ${EXPECTED[type]}, is ${describe(value)}`;
}

const EXPECTED: Record<ScalarType, string> = {
  text: 'a text',
  integer: 'a whole number of 32 bits',
  boolean: 'true or false',
  timestamp: 'a time as 2018-01-31T12:00:00.000Z, to the microsecond',
  epoch: 'seconds since 1970',
};

const TESTS: Record<Exclude<ScalarType, TimeType>, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  integer: (value) => {
    const number = typeof value === 'string' && INTEGER_TEXT.test(value) ? Number(value) : value;
    return Number.isInteger(number) && Number(number) >= INTEGER_MIN && Number(number) <= INTEGER_MAX;
  },
  boolean: (value) => typeof value === 'boolean' || value === 'true' || value === 'false',
};

/** Returns a value's microseconds since 1970; undefined if it is not a time. */
function microsOf(value: unknown, type: TimeType): bigint | undefined {
  if (type === 'timestamp') return typeof value === 'string' ? microsOfTimestamp(value) : undefined;
  return typeof value === 'string' || typeof value === 'number' ? microsOfEpoch(String(value)) : undefined;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return typeof value === 'string' ? 'another text' : 'a boolean';
}
