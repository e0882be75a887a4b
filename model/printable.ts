/**
 * Characters that a terminal or a page could interpret or hide instead of showing them: controls (C0, DEL, C1),
 * bidirectional marks, line and paragraph separators, invisible and unassigned characters, lone surrogates.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A fast check for the common case: only line breaks and common letters and signs. */
const PLAIN =
  /^[\n -~\u00a0-\u00ac\u00ae-\u034e\u2010-\u2027\u2030-\u205e\u3041-\u3096\u4e00-\u9ffc\uac00-\ud7a3]*$/;

const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Escapes a text as one line: each unsafe character becomes its code, as `\x1b` or `\u{202e}`. */
export function escapeText(text: string): string {
  if (PLAIN.test(text) && !text.includes('\n')) return text;
  return text.replaceAll(UNSAFE, escapeCharacter);
}

/** Escapes a text like {@link escapeText}, but keeps its line breaks and tabs. */
export function escapeLines(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNSAFE, (character) =>
    character === '\n' || character === '\t' ? character : escapeCharacter(character),
  );
}

/**
 * Escapes a text as one line and truncates it; a truncated text ends with its full length.
 * @param limit The maximum number of characters (Unicode code points) kept, counted after escaping.
 */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) {
    const escaped = escapeText(text);
    if (escaped.length <= limit) return escaped;
  }
  let kept = '';
  let length = 0;
  for (const character of text) {
    const shown = escapeText(character);
    length += shown === character ? 1 : shown.length;
    if (length > limit) return `${kept}… (${countCharacters(text).toLocaleString('en-US')} characters)`;
    kept += shown;
  }
  return kept;
}

/**
 * Returns JSON in which each unsafe character is escaped as `\uXXXX`: safe to show, and parsed to the same value.
 * @param indent Spaces per level; without it, one line.
 */
export function safeJson(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, null, indent));
}

/** Escapes JSON text like {@link safeJson}, but keeps its line breaks. */
export function escapeJson(json: string): string {
  if (PLAIN.test(json)) return json;
  return json.replaceAll(UNSAFE, (character) => (character === '\n' ? character : escapeUnits(character)));
}

/** Escapes a character by its UTF-16 code units, as JSON does. */
function escapeUnits(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

function escapeCharacter(character: string): string {
  const named = NAMED_ESCAPES.get(character);
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
}

function countCharacters(text: string): number {
  return text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, ' ').length;
}
