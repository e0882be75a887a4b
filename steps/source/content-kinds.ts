import { isUtf8 } from 'node:buffer';

/** Leading bytes needed to detect the kind of content; a tar header is this long. */
export const HEAD_BYTES = 512;

/** Magic bytes, as Latin-1, of kinds of content that are not supported. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'a zip archive'],
  ['PK\x05\x06', 'an empty zip archive'],
  ['PK\x07\x08', 'a part of a zip archive'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ\x00', 'xz'],
  ['\x5d\x00\x00', 'lzma'],
  ['LZIP', 'lzip'],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive'],
  ['Rar!\x1a\x07', 'a rar archive'],
  ['\x1f\x9d', 'compress (.Z)'],
  ['\x1f\xa0', 'compress (.Z)'],
  ['\x1f\x8b', 'gzip with a header that is not valid'],
  ['\x04\x22\x4d\x18', 'lz4'],
  ['\xff\x06\x00\x00sNaPpY', 'snappy'],
  ['PAR1', 'Parquet'],
  ['PARE', 'encrypted Parquet'],
  ['Obj\x01', 'Avro'],
  ['ARROW1', 'Arrow'],
  ['SQLite format 3\x00', 'a SQLite database'],
  ['%PDF-', 'PDF'],
  ['{\\rtf', 'RTF'],
  ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an Office document'],
  ['\x89PNG\r\n', 'an image'],
  ['\xff\xd8\xff', 'an image'],
  ['GIF8', 'an image'],
];

/** UTF-16 and UTF-32 by the byte order mark, or by the zero bytes of ASCII characters; the first match counts. */
const WIDE_ENCODINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:\xff\xfe\0\0|\0\0\xfe\xff)/, 'UTF-32, not UTF-8'],
  [/^(?:[^\0]\0{3}|\0{3}(?!\0))/, 'not UTF-8; perhaps UTF-32'],
  [/^(?:\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0(?!\0))/, 'not UTF-8; perhaps UTF-16'],
];

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
const RECORD_SEPARATOR = '\x1e';

/** Matches the first two tokens of a JSON object or array, which no other kind of content begins with. */
const JSON_BEGINNING = /^(\xef\xbb\xbf)*\s*(\{\s*["}]|\[\s*[[{"\]\d])/;

/** Offsets of the checksum in a tar header (POSIX ustar and older formats). */
const TAR_CHECKSUM = { start: 148, end: 156 };
const SPACE = 0x20;

/** Returns whether bytes begin as a JSON object or array. */
export function isJsonStart(head: Buffer): boolean {
  return JSON_BEGINNING.test(head.toString('latin1'));
}

/** Returns whether the first character that is not a space is `[` or `{`. */
export function isBracketFirst(head: Buffer): boolean {
  return /^(\xef\xbb\xbf)*\s*[[{]/.test(head.toString('latin1'));
}

/** Returns the name of an unsupported kind of content by its leading bytes; undefined if none matches. */
export function refusedKind(head: Buffer): string | undefined {
  const text = head.toString('latin1');
  const [, name] = REFUSED.find(([magic]) => text.startsWith(magic)) ?? [];
  if (name !== undefined) return name;
  if (isTarHeader(head)) return 'a tar archive';
  if (text.replace(BYTE_ORDER_MARK, '').trimStart().startsWith(RECORD_SEPARATOR))
    return 'a JSON text sequence (RFC 7464)';
  return wideEncoding(head);
}

function wideEncoding(head: Buffer): string | undefined {
  const text = head.toString('latin1');
  return WIDE_ENCODINGS.find(([beginning]) => beginning.test(text))?.[1];
}

/** Returns whether bytes are UTF-8 text without control characters; the last character may be incomplete. */
export function isText(head: Buffer): boolean {
  for (const byte of head) if (byte < SPACE && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
  return [0, 1, 2, 3].some((cut) => cut <= head.length && isUtf8(head.subarray(0, head.length - cut)));
}

/** Compares a tar header's checksum: the sum of its bytes in octal, with the checksum field counted as spaces. */
function isTarHeader(head: Buffer): boolean {
  if (head.length < HEAD_BYTES) return false;
  const { start, end } = TAR_CHECKSUM;
  const digits = /^\s*([0-7]+)[\0 ]*$/.exec(head.toString('latin1', start, end))?.[1];
  if (digits === undefined) return false;
  let sum = (end - start) * SPACE;
  for (const [offset, byte] of head.subarray(0, HEAD_BYTES).entries())
    if (offset < start || offset >= end) sum += byte;
  return sum === Number.parseInt(digits, 8);
}
