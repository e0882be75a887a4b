/**
 * Characters that a terminal or a page could obey or hide instead of showing them: controls (C0, DEL, C1), marks that
 * reorder the writing, line and paragraph separators, invisible and unassigned characters, halves of surrogate pairs.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Nothing but line breaks and common letters and signs, which most texts are: faster to find out. */
const PLAIN =
  /^[\n -~\u00a0-\u00ac\u00ae-\u034e\u2010-\u2027\u2030-\u205e\u3041-\u3096\u4e00-\u9ffc\uac00-\ud7a3]*$/;

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Returns a text as one line in which each unsafe character is shown by its number, as `\x1b` or `\u{202e}`. */
export function escapeText(text: string): string {
  if (PLAIN.test(text) && !text.includes('\n')) return text;
  return text.replaceAll(UNSAFE, numbered);
}

/** Escapes text of several lines likewise; its line breaks and tabs stay. */
export function escapeLines(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(UNSAFE, (character) =>
    character === '\n' || character === '\t' ? character : numbered(character),
  );
}

/**
 * Returns a text escaped as one line and cut, with its true length where it was cut.
 * @param limit The most characters (Unicode code points) that are kept, an escaped one counted as it is written.
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
 * Returns JSON in which each unsafe character is written as `\uXXXX`, so that it may be shown and parses to the same
 * value.
 * @param indent Spaces a level; on one line without.
 */
export function safeJson(value: unknown, indent?: number): string {
  return escapeJson(JSON.stringify(value, null, indent));
}

/** Escapes JSON text likewise; its own line breaks stay. */
export function escapeJson(json: string): string {
  if (PLAIN.test(json)) return json;
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
  const named = NAMED.get(character);
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
}

function countCharacters(text: string): number {
  return text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, ' ').length;
}
