/**
 * Characters that output may not contain, except line breaks: controls, bidi and invisible marks, separators, lone
 * surrogates.
 */
export const FORBIDDEN =
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\ud800-\udfff]/u;

/** Texts that an attacker could put into records, names and reasons. */
export const HOSTILE: readonly string[] = [
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007',
  'a\u009b31mb\u0085c\u0090d',
  'gnp.\u202eexe\u202c\u2066x\u2069\u061c\u200e\u200f',
  'one\u2028two\u2029three',
  'zero\u200b\u200c\u200d\u2060\ufeffwidth\u{e0041}\u{e007f}',
  'nul\u0000del\u007fbackspace\b\b\b',
  'fake\r\nverified: 1 offsets\n\u001b[1A',
  'half\ud800 of a pair',
];
