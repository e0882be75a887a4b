import { defaultDefinition } from './contracts.ts';
import {
  PaddedText,
  NO_MATCH_OFFSET,
  matchesAt,
  skipSpace,
  skipText,
  skipAnyValue,
  literalOf,
  withoutMark,
} from './json-text.ts';

/** A field of the record with its user, which is the message key: messages of one user keep their order. */
interface UserField {
  readonly name: string;
  /** The name as JSON, to compare text with. */
  readonly literal: ReturnType<typeof literalOf>;
}

const DEFAULT_FIELD = fieldOf(defaultDefinition().person);

const OPEN_BRACE = 0x7b;
const COLON = 0x3a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
/** The length of an empty string, with its quotes. */
const EMPTY_BYTES = 2;

/** Leading bytes that are scanned before the whole record is, since nearly all records have the user in them. */
const LEADING_BYTES = 1024;
const SCANNED = new PaddedText();

/**
 * Returns a record's user, the person whom it is about; null if it has none. Does not validate the record.
 */
export function userOf(record: Buffer): string | null {
  const field = DEFAULT_FIELD;
  if (field === null) return null;
  const text = withoutMark(record);
  return (
    scannedUser(text.subarray(0, LEADING_BYTES), field) ?? scannedUser(text, field) ?? parsedUser(text, field)
  );
}

function fieldOf(name: string | null): UserField | null {
  return name === null ? null : { name, literal: literalOf(JSON.stringify(name)) };
}

/** Finds the user in a record or its beginning, unless names or the user are escaped; faster than parsing the record. */
function scannedUser(record: Buffer, { literal }: UserField): string | undefined {
  const text = SCANNED.load(record);
  let at = skipSpace(text, 0);
  if (text.getUint8(at) !== OPEN_BRACE) return undefined;
  do {
    const name = skipSpace(text, at + 1);
    const nameEnd = skipText(text, name);
    if (nameEnd === NO_MATCH_OFFSET) return undefined;
    const colon = skipSpace(text, nameEnd);
    if (text.getUint8(colon) !== COLON) return undefined;
    const value = skipSpace(text, colon + 1);
    const end = skipAnyValue(text, value);
    if (end === NO_MATCH_OFFSET) return undefined;
    if (matchesAt(text, name, literal)) return plainText(record.subarray(value, end));
    at = skipSpace(text, end);
  } while (text.getUint8(at) === COMMA);
  return undefined;
}

/** Returns the content of a string that is neither empty nor escaped. */
function plainText(value: Buffer): string | undefined {
  if (value[0] !== QUOTE || value.length === EMPTY_BYTES || value.includes(BACKSLASH)) return undefined;
  return value.toString('utf8', 1, value.length - 1);
}

function parsedUser(record: Buffer, { name }: UserField): string | null {
  try {
    const value: unknown = JSON.parse(record.toString('utf8'));
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    const user = (value as Record<string, unknown>)[name];
    return typeof user === 'string' && user !== '' ? user : null;
  } catch {
    return null;
  }
}
