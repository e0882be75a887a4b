import { NOT_SO, isAt, passSpace, passText } from './scan-value.ts';

/** The field that names the user: messages of one user keep their order. */
const KEY_FIELD = 'user_exam_id';

const NAME = Buffer.from(JSON.stringify(KEY_FIELD));
const OPEN_BRACE = 0x7b;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * The user whose attempt it is; null where the record does not say. Whether the record is right otherwise,
 * `transform` will judge.
 */
export function userOf(record: Buffer): string | null {
  return leadingUser(record) ?? parsedUser(record);
}

/** The user where only texts stand before, as in nearly all records; reading the whole record takes far longer. */
function leadingUser(record: Buffer): string | undefined {
  let at = passSpace(record, 0);
  if (record[at] !== OPEN_BRACE) return undefined;
  do {
    const name = passSpace(record, at + 1);
    const colon = passSpace(record, passText(record, name));
    if (record[colon] !== COLON) return undefined;
    const value = passSpace(record, colon + 1);
    const end = passText(record, value);
    if (end === NOT_SO) return undefined;
    if (isAt(record, name, NAME)) return plainText(record.subarray(value + 1, end - 1));
    at = passSpace(record, end);
  } while (record[at] === COMMA);
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
