import type { TextRules } from './shape.ts';

/** A test of a text, which depends on nothing else. */
export type TextTest = (text: string) => boolean;

const MAX_SHOWN_VALUES = 5;

const TESTS = new WeakMap<TextRules, TextTest>();

/** Returns the test of some rules. */
export function textTestOf(rules: TextRules): TextTest {
  let test = TESTS.get(rules);
  if (test === undefined) TESTS.set(rules, (test = compile(rules)));
  return test;
}

function compile({ values, pattern, minLength = 0, maxLength = Infinity }: TextRules): TextTest {
  const allowed = values && new Set(values);
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  return (text) => {
    if (allowed?.has(text) === false) return false;
    // A character has one or two UTF-16 code units.
    if (text.length < minLength || text.length > 2 * maxLength) return false;
    const length = Array.from(text).length;
    return length >= minLength && length <= maxLength && expression?.test(text) !== false;
  };
}

/** Says which texts the rules accept, for errors. */
export function describeRules({ values, pattern, minLength, maxLength }: TextRules): string {
  return [
    values && `is one of ${shown(values)}`,
    pattern !== undefined && `matches ${pattern}`,
    minLength !== undefined && `has at least ${minLength} characters`,
    maxLength !== undefined && `has at most ${maxLength} characters`,
  ]
    .filter((rule) => typeof rule === 'string')
    .join(', ');
}

function shown(values: readonly string[]): string {
  const named = values.slice(0, MAX_SHOWN_VALUES).map((value) => JSON.stringify(value));
  return values.length > named.length ? `${named.join(', ')}, … (${values.length} texts)` : named.join(', ');
}
