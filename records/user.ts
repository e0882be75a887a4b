import { HeldText, NOT_SO, isAt, passSpace, passText, wanted, withoutMark } from './json-text.ts';

/** The field that names the user: messages of one user keep their order. */
const KEY_FIELD = 'user_exam_id';

const NAME = wanted(JSON.stringify(KEY_FIELD));
const OPEN_BRACE = 0x7b;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** So much of a record is looked at before it is read whole. */
const LEADING_BYTES = 1024;
const LEADING = new HeldText();

/**
 * The user whose attempt it is; null where the record does not say. Whether the record is right otherwise,
 * `transform` will judge.
 */
export function userOf(record: Buffer): string | null {
  const text = withoutMark(record);
  return leadingUser(text) ?? parsedUser(text);
}

/** The user where only texts stand before, as in nearly all records; reading the whole record takes far longer. */
function leadingUser(record: Buffer): string | undefined {
  const text = LEADING.take(record.subarray(0, LEADING_BYTES));
  let at = passSpace(text, 0);
  if (text.getUint8(at) !== OPEN_BRACE) return undefined;
  do {
    const name = passSpace(text, at + 1);
    const nameEnd = passText(text, name);
    if (nameEnd === NOT_SO) return undefined;
    const colon = passSpace(text, nameEnd);
    if (text.getUint8(colon) !== COLON) return undefined;
    const value = passSpace(text, colon + 1);
    const end = passText(text, value);
    if (end === NOT_SO) return undefined;
    if (isAt(text, name, NAME)) return plainText(record.subarray(value + 1, end - 1));
    at = passSpace(text, end);
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
