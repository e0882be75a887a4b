import { parseDecimal, unscaledOf, type Decimal } from './decimals.ts';
import { describeKind, type JsonNode } from './json-tree.ts';
import type { DecimalDigits, ScalarShape, ScalarType } from './shape.ts';
import { describeRules, textTestOf } from './text-rules.ts';
import { daysOfDate, isTableTime, microsOfCount, microsOfEpoch, microsOfTimestamp } from './times.ts';

type NumberType = Extract<ScalarType, 'integer' | 'long' | 'double' | 'decimal'>;
type TimeType = Extract<ScalarType, 'timestamp' | 'epoch' | 'epoch-millis' | 'epoch-micros'>;

const INTEGER_MIN = -(2 ** 31);
const INTEGER_MAX = 2 ** 31 - 1;
const INTEGER_TEXT = /^[+-]?\d{1,10}(\.0{1,20})?$/;

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
const LONG_DIGITS = 19;
const LONG_TEXT = /^([+-]?)(\d{1,19})(\.0{1,20})?$/;

/** The largest precision of a decimal, which has 64 bits. */
export const MAX_DECIMAL_DIGITS = 18;

const STRING_TYPES: ReadonlySet<ScalarType> = new Set(['text', 'date', 'timestamp', 'json']);

/** Returns whether a type's values can also be written as strings, which a strict shape refuses. */
export function isQuotable(type: ScalarType): boolean {
  return !STRING_TYPES.has(type);
}

/** The power of 10 of the microseconds in a unit. */
const EPOCH_POWERS = { 'epoch-millis': 3, 'epoch-micros': 0 };

const NO_DIGITS: DecimalDigits = { precision: MAX_DECIMAL_DIGITS, scale: 0 };

/**
 * Returns the reason why a JSON value is not of a type; undefined if it is. Unless the shape is strict, strings of numbers
 * and booleans are accepted: "1.0" is the integer 1, and "false" the boolean false. Values that would be rounded, as 1.7
 * for an integer, are not.
 */
export function scalarFault(value: JsonNode, shape: ScalarShape): string | undefined {
  const { type, isStrict = false } = shape;
  if (type === 'json') return undefined;
  const fault = `must be ${expectedOf(shape)}, is`;
  if (value.kind === 'array' || value.kind === 'object') return `${fault} ${describeKind(value)}`;
  if (isStrict && value.kind === 'string' && isQuotable(type)) return `${fault} a text`;
  return isTimeType(type) ? timeFault(value, shape, type) : plainFault(value, shape);
}

function timeFault(value: JsonNode, shape: ScalarShape, type: TimeType): string | undefined {
  const micros = microsOf(value, type);
  if (micros === undefined) return `must be ${expectedOf(shape)}, is ${describe(value)}`;
  return isTableTime(micros) ? undefined : 'must be a time of the years 1 to 9999 in UTC';
}

function plainFault(value: JsonNode, shape: ScalarShape): string | undefined {
  if (isNumberType(shape.type)) {
    const number = numberOf(value, shape);
    if (number !== undefined) return boundsFault(number, shape);
  } else if (isPlain(value, shape)) return undefined;
  return `must be ${expectedOf(shape)}, is ${describe(value)}`;
}

function isTimeType(type: ScalarType): type is TimeType {
  return type === 'timestamp' || type.startsWith('epoch');
}

function isNumberType(type: ScalarType): type is NumberType {
  return ['integer', 'long', 'double', 'decimal'].includes(type);
}

function expectedOf({ type, texts, digits = NO_DIGITS }: ScalarShape): string {
  if (type === 'text' && texts !== undefined) return `a text that ${describeRules(texts)}`;
  const { precision, scale } = digits;
  return type === 'decimal' ? `a number of ${precision} digits, ${scale} of them decimals` : EXPECTED[type];
}

const EXPECTED: Record<ScalarType, string> = {
  text: 'a text',
  integer: 'a whole number of 32 bits',
  long: 'a whole number of 64 bits',
  double: 'a number of a 64-bit float',
  decimal: 'a decimal number',
  boolean: 'true or false',
  date: 'a date as 2018-01-31 of the years 1 to 9999',
  timestamp: 'a time as 2018-01-31T12:00:00.000Z, to the microsecond',
  epoch: 'seconds since 1970',
  'epoch-millis': 'milliseconds since 1970',
  'epoch-micros': 'microseconds since 1970',
  json: 'JSON',
};

/** Returns whether a value is of a type that is neither a number nor a time. */
function isPlain(value: JsonNode, { type, texts }: ScalarShape): boolean {
  if (type === 'boolean')
    return value.kind === 'boolean' || (value.kind === 'string' && /^(true|false)$/.test(value.text));
  if (value.kind !== 'string') return false;
  if (type === 'date') return daysOfDate(value.text) !== undefined;
  return texts === undefined || textTestOf(texts)(value.text);
}

/** Returns a value's microseconds since 1970; undefined if it is not a time. */
function microsOf(value: JsonNode, type: TimeType): bigint | undefined {
  if (type === 'timestamp') return value.kind === 'string' ? microsOfTimestamp(value.text) : undefined;
  if (value.kind !== 'string' && value.kind !== 'number') return undefined;
  if (type === 'epoch')
    return microsOfEpoch(value.kind === 'number' ? String(Number(value.text)) : value.text);
  const count = parseDecimal(value.text);
  return count && microsOfCount(count, EPOCH_POWERS[type]);
}

/** Returns a number; of a decimal, in units of its last decimal. Returns undefined if it is not of the shape’s type. */
function numberOf(value: JsonNode, { type, digits }: ScalarShape): bigint | number | undefined {
  if (value.kind !== 'string' && value.kind !== 'number') return undefined;
  const isQuoted = value.kind === 'string';
  if (type === 'integer') return integerOf(value.text, isQuoted);
  if (type === 'long') return isQuoted ? longOfText(value.text) : longOf(parseDecimal(value.text));
  const decimal = parseDecimal(value.text);
  if (decimal === undefined) return undefined;
  return type === 'double' ? doubleOf(value.text) : decimalOf(decimal, digits);
}

function integerOf(text: string, isQuoted: boolean): bigint | undefined {
  const number = !isQuoted || INTEGER_TEXT.test(text) ? Number(text) : NaN;
  return Number.isInteger(number) && number >= INTEGER_MIN && number <= INTEGER_MAX
    ? BigInt(number)
    : undefined;
}

function longOf(decimal: Decimal | undefined): bigint | undefined {
  const number = decimal && unscaledOf(decimal, 0, LONG_DIGITS);
  return number !== undefined && number >= LONG_MIN && number <= LONG_MAX ? number : undefined;
}

function longOfText(text: string): bigint | undefined {
  const [, sign, digits] = LONG_TEXT.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const number = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return number >= LONG_MIN && number <= LONG_MAX ? number : undefined;
}

function doubleOf(text: string): number | undefined {
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function decimalOf(decimal: Decimal, { precision, scale }: DecimalDigits = NO_DIGITS): bigint | undefined {
  return unscaledOf(decimal, scale, precision);
}

function boundsFault(number: bigint | number, shape: ScalarShape): string | undefined {
  const { min, max } = shape.bounds ?? {};
  if (min !== undefined && number < boundOf(min, shape)) return `must be at least ${min}`;
  return max !== undefined && number > boundOf(max, shape) ? `must be at most ${max}` : undefined;
}

/**
 * Returns a bound as the shape’s numbers are stored: of a decimal, in units of its last decimal.
 * @throws {RangeError} if it is not of the shape’s type.
 */
export function boundOf(text: string, shape: ScalarShape): bigint | number {
  const bound = numberOf({ kind: 'number', text }, shape);
  if (bound === undefined) throw new RangeError(`the bound ${text} is not ${expectedOf(shape)}`);
  return bound;
}

function describe(value: JsonNode): string {
  if (value.kind === 'number') return Number.isInteger(Number(value.text)) ? 'a number' : 'a fraction';
  if (value.kind === 'string') return 'another text';
  return describeKind(value);
}
