/** Exact decimal numbers of JSON texts. `scanner/numbers.ts` has the same rules. */

/** A number: its significant digits, without zeros at either end, and the power of 10 of the last one. */
export interface Decimal {
  readonly isNegative: boolean;
  /** Empty for zero. */
  readonly digits: string;
  readonly exponent: number;
}

/** The grammar of JSON (RFC 8259, 6). */
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Parses a JSON number; returns undefined for any other text. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole, fraction = '', power = '0'] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const written = trimZeros(whole + fraction);
  const isZero = written.digits === '';
  const exponent = isZero ? 0 : Number(power) - fraction.length + written.zeros;
  return { isNegative: sign === '-', digits: written.digits, exponent };
}

/** Returns digits without zeros at either end, and the number of those at the end; linear, unlike /0*$/. */
function trimZeros(text: string): { readonly digits: string; readonly zeros: number } {
  let from = 0;
  while (text[from] === '0') from += 1;
  let to = text.length;
  while (to > from && text[to - 1] === '0') to -= 1;
  return { digits: text.slice(from, to), zeros: text.length - to };
}

/** Returns the size of the digits before the point, if a number is at least 1; else 0 or less. */
export function wholeDigits({ digits, exponent }: Decimal): number {
  return digits.length + exponent;
}

/**
 * Returns a number in units of 10 to the power of `-scale`.
 * @returns undefined if it is not a whole number of them, or has more than `maxDigits` digits.
 */
export function unscaledOf(decimal: Decimal, scale: number, maxDigits: number): bigint | undefined {
  const { digits, exponent, isNegative } = decimal;
  if (digits === '') return 0n;
  const power = exponent + scale;
  if (power < 0 || digits.length + power > maxDigits) return undefined;
  const size = BigInt(digits) * 10n ** BigInt(power);
  return isNegative ? -size : size;
}
