/** Skips values without changing their bytes, unlike unknown.ts, and without validating them; see json.ts. */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  NO_MATCH,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
  byteAt,
  skipPlainBytes,
} from './json';

/** Skips a string with its quotes. */
export function skipRawText(from: usize): usize {
  for (let at = skipPlainBytes(from + 1); ; at = skipPlainBytes(at + 2)) {
    if (byteAt(at) === QUOTE) return at + 1;
    if (byteAt(at) !== BACKSLASH) return NO_MATCH;
  }
  return NO_MATCH;
}

/** Skips a value; returns its end, which is right if it is valid. */
export function skipRaw(from: usize): usize {
  let depth: u32 = 0;
  let at = from;
  for (;;) {
    const byte = byteAt(at);
    if (byte === QUOTE) {
      at = skipRawText(at);
      if (at === NO_MATCH) return NO_MATCH;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      at += 1;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (depth === 0) return NO_MATCH;
      depth -= 1;
      at += 1;
    } else if (byte === 0) {
      return NO_MATCH;
    } else {
      at = depth === 0 ? skipWord(at) : at + 1;
    }
    if (depth === 0) return at;
  }
  return NO_MATCH;
}

/** Skips a number, a boolean or a null. */
function skipWord(from: usize): usize {
  let at = from;
  for (;;) {
    const byte = byteAt(at);
    if (byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) return at;
    at += 1;
  }
  return NO_MATCH;
}
