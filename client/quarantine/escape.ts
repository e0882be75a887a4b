import { isUtf8 } from 'node:buffer';
import { escapeText } from '../../model/printable.ts';

/** Bytes as a text in which each byte that is not UTF-8 stands as its number. */
function decode(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes).toString('utf8');
  let text = '';
  let from = 0;
  const valid = (to: number): string => Buffer.from(bytes.subarray(from, to)).toString('utf8');
  for (let at = 0; at < bytes.length;) {
    const length = lengthAt(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += `${valid(at)}\\x${(bytes[at] ?? 0).toString(16)}`;
    at += 1;
    from = at;
  }
  return text + valid(bytes.length);
}

/** Bytes fit for a terminal, a text a line. */
export function escapeBytes(bytes: Uint8Array): string[] {
  return decode(bytes).split('\n').map(escapeText);
}

/** The bytes without what of a character was cut off at their end. */
export function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let cut = 1; cut <= 3 && cut <= bytes.length; cut += 1) {
    const lead = bytes[bytes.length - cut] ?? 0;
    if ((lead & 0xc0) === 0x80) continue;
    return lead >= 0xc0 && expected(lead) > cut ? bytes.subarray(0, bytes.length - cut) : bytes;
  }
  return bytes;
}

/** How many bytes the character has that begins here; 0 where none does. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const length = expected(bytes[at] ?? 0);
  return length === 1 || (length > 1 && isUtf8(bytes.subarray(at, at + length))) ? length : 0;
}

function expected(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}
