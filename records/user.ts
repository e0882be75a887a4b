import {
  PaddedText,
  NO_MATCH_OFFSET,
  matchesAt,
  skipSpace,
  skipText,
  literalOf,
  withoutMark,
} from './json-text.ts';

/** The field with the user, which is the message key: messages of one user keep their order. */
const KEY_FIELD = 'user_exam_id';

const NAME = literalOf(JSON.stringify(KEY_FIELD));
const OPEN_BRACE = 0x7b;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Leading bytes that are scanned before the record is parsed as a whole. */
const LEADING_BYTES = 1024;
const LEADING = new PaddedText();

/**
 * Returns a record's user; null if it has none. Does not validate the record.
 */
export function userOf(record: Buffer): string | null {
  const text = withoutMark(record);
  return leadingUser(text) ?? parsedUser(text);
}

/** Finds the user if only strings precede it, as in nearly all records; much faster than parsing the record. */
function leadingUser(record: Buffer): string | undefined {
  const text = LEADING.load(record.subarray(0, LEADING_BYTES));
  let at = skipSpace(text, 0);
  if (text.getUint8(at) !== OPEN_BRACE) return undefined;
  do {
    const name = skipSpace(text, at + 1);
    const nameEnd = skipText(text, name);
    if (nameEnd === NO_MATCH_OFFSET) return undefined;
    const colon = skipSpace(text, nameEnd);
    if (text.getUint8(colon) !== COLON) return undefined;
    const value = skipSpace(text, colon + 1);
    const end = skipText(text, value);
    if (end === NO_MATCH_OFFSET) return undefined;
    if (matchesAt(text, name, NAME)) return plainText(record.subarray(value + 1, end - 1));
    at = skipSpace(text, end);
  } while (text.getUint8(at) === COMMA);
  return undefined;
}

function plainText(text: Buffer): string | undefined {
  return text.length === 0 || text.includes(BACKSLASH) ? undefined : text.toString('utf8');
}

function parsedUser(record: Buffer): string | null {
  try {
    const value: unknown = JSON.parse(record.toString('utf8'));
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, KEY_FIELD)) return null;
    const user = (value as Record<string, unknown>)[KEY_FIELD];
    return typeof user === 'string' && user !== '' ? user : null;
  } catch {
    return null;
  }
}
