/** Combining marks, and the medial and final letters of a Hangul syllable. */
const ZERO_WIDTH = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]/u;

/** Two columns wide: East Asian Wide and Fullwidth (Unicode, UAX #11), and emoji presentation. */
const WIDE =
  /(?!\p{Regional_Indicator})\p{Emoji_Presentation}|[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u3247\u3250-\u4dbf\u4e00-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u;

/** One column per character: a fast path for most texts. */
const NARROW = /^[ -~\u00a1-\u02ff]*$/;

/** Returns the width of an escaped text in terminal columns. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) if (!ZERO_WIDTH.test(character)) width += WIDE.test(character) ? 2 : 1;
  return width;
}

/** Prefixes a leading combining mark with ◌, since it would be drawn over the character before the text. */
export function withMarkBase(text: string): string {
  return /^[\p{M}\u1160-\u11ff\ud7b0-\ud7ff]/u.test(text) ? `◌${text}` : text;
}
