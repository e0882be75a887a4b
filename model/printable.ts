/**
 * Characters that a terminal or a page could obey or hide instead of showing them: controls (C0, DEL, C1), marks that
 * reorder the writing, line and paragraph separators, invisible and unassigned characters, halves of surrogate pairs.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Nothing but printable ASCII, which most texts are. */
const PLAIN = /^[ -~]*$/;

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Returns a text as one line in which each unsafe character is shown by its number, as `\x1b` or `\u{202e}`. */
export function escapeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNSAFE, (character) => NAMED.get(character) ?? numbered(character));
}

/**
 * Returns JSON in which each unsafe character is written as `\uXXXX`, so that it may be shown and parses to the same
 * value.
 * @param indent Spaces a level; on one line without.
 */
export function safeJson(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, null, indent));
}

/** Escapes JSON text likewise; its own line breaks stay. */
export function escapeJson(json: string): string {
  return json.replaceAll(UNSAFE, (character) => (character === '\n' ? character : unitsOf(character)));
}

/** A character as JSON writes it by number: one above 16 bits as a surrogate pair. */
function unitsOf(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}

function numbered(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
}
