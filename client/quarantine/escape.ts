import { isUtf8 } from 'node:buffer';
import { escapeText } from '../../model/printable.ts';

/** Decodes UTF-8; invalid bytes become `\\xNN`. */
function decode(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString('utf8');
  let text = '';
  let start = 0;
  const valid = (end: number): string => Buffer.from(bytes.subarray(start, end)).toString('utf8');
  for (let index = 0; index < bytes.length;) {
    const length = characterLength(bytes, index);
    if (length > 0) {
      index += length;
      continue;
    }
    text += `${valid(index)}\\x${(bytes[index] ?? 0).toString(16)}`;
    index += 1;
    start = index;
  }
  return text + valid(bytes.length);
}

/** Escapes bytes for a terminal, one string per line. */
export function escapeBytes(bytes: Uint8Array): string[] {
  return decode(bytes).split('\n').map(escapeText);
}

/** Removes an incomplete UTF-8 character from the end of bytes. */
export function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let cut = 1; cut <= 3 && cut <= bytes.length; cut += 1) {
    const lead = bytes[bytes.length - cut] ?? 0;
    if ((lead & 0xc0) === 0x80) continue;
    return lead >= 0xc0 && sequenceLength(lead) > cut ? bytes.subarray(0, bytes.length - cut) : bytes;
  }
  return bytes;
}

/** Returns the length in bytes of the valid UTF-8 character at an index; 0 if there is none. */
function characterLength(bytes: Uint8Array, index: number): number {
  const length = sequenceLength(bytes[index] ?? 0);
  return length === 1 || (length > 1 && isUtf8(bytes.subarray(index, index + length))) ? length : 0;
}

/** Returns the length of a UTF-8 sequence by its lead byte; 0 for an invalid one. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}
