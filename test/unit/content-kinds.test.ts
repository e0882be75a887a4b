import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LINES, refusal } from '../support/decoded-contents.ts';

describe('a content that is not text', () => {
  const utf16 = Buffer.from('[{"a":1}]', 'utf16le');
  const utf32 = Buffer.from([...Buffer.from('[{"a":1}]')].flatMap((byte) => [byte, 0, 0, 0]));
  const tar = Buffer.alloc(1024);
  tar.write('lines.ndjson\0', 0, 'latin1');
  tar.fill(' ', 148, 156);
  tar.write(
    `${tar
      .subarray(0, 512)
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const KINDS: Record<string, [Buffer, RegExp]> = {
    zip: [Buffer.from('PK\x03\x04abc'), /is a zip archive/],
    bzip2: [Buffer.from('BZh91AY&SY'), /is bzip2/],
    xz: [Buffer.from('\xfd7zXZ\0', 'latin1'), /is xz/],
    '7z': [Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'), /is a 7z archive/],
    rar: [Buffer.from('Rar!\x1a\x07', 'latin1'), /is a rar archive/],
    'an empty zip': [Buffer.from('PK\x05\x06\0\0'), /is an empty zip archive/],
    'a zip that was split': [Buffer.from('PK\x07\x08PK'), /is a part of a zip archive/],
    lzma: [Buffer.from('\x5d\0\0\x80\0', 'latin1'), /is lzma/],
    lzip: [Buffer.from('LZIP\x01'), /is lzip/],
    lz4: [Buffer.from('\x04\x22\x4d\x18', 'latin1'), /is lz4/],
    snappy: [Buffer.from('\xff\x06\0\0sNaPpY', 'latin1'), /is snappy/],
    'compress of another kind': [Buffer.from('\x1f\xa0', 'latin1'), /is compress/],
    'gzip of another method': [Buffer.from('\x1f\x8b\x07', 'latin1'), /is gzip with a header that is not/],
    'encrypted Parquet': [Buffer.from('PARE'), /is encrypted Parquet/],
    Arrow: [Buffer.from('ARROW1\0\0'), /is Arrow/],
    SQLite: [Buffer.from('SQLite format 3\0'), /is a SQLite database/],
    RTF: [Buffer.from('{\\rtf1'), /is RTF/],
    Office: [Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1'), /is an Office document/],
    PNG: [Buffer.from('\x89PNG\r\n', 'latin1'), /is an image/],
    JPEG: [Buffer.from('\xff\xd8\xff\xe0', 'latin1'), /is an image/],
    GIF: [Buffer.from('GIF89a'), /is an image/],
    'compress (.Z)': [Buffer.from('\x1f\x9d\x90', 'latin1'), /is compress/],
    Parquet: [Buffer.from('PAR1\x15\x04'), /is Parquet/],
    Avro: [Buffer.from('Obj\x01\x04'), /is Avro/],
    PDF: [Buffer.from('%PDF-1.7'), /is PDF/],
    'tar, of before ustar': [tar, /is a tar archive/],
    'UTF-16 without a mark': [utf16, /is not UTF-8; perhaps UTF-16/],
    'UTF-16 of the other order': [Buffer.from(utf16).swap16(), /is not UTF-8; perhaps UTF-16/],
    'UTF-16 with a mark': [Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), /is not UTF-8; perhaps UTF-16/],
    'UTF-32': [utf32, /is not UTF-8; perhaps UTF-32/],
    'UTF-32 with a mark': [Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), utf32]), /is UTF-32, not UTF-8/],
    'a text sequence': [Buffer.from('\x1e{"a":1}\n'), /is a JSON text sequence/],
    'something unknown': [
      Buffer.from('\x01\x02\x03\xff\xfe', 'latin1'),
      /is binary data of a kind that is not known/,
    ],
  };
  for (const [kind, [content, says]] of Object.entries(KINDS)) {
    test(`${kind} is refused by name, also within gzip`, async () => {
      assert.match(await refusal(content), says);
      const within = await refusal(gzipSync(content));
      assert.match(within, says);
      assert.match(within, /^SOURCE_MALFORMED: the content of source test, decompressed from gzip, is /);
    });
  }

  test('of type multipart is refused by its Content-Type', async () => {
    const contentType = 'multipart/byteranges; boundary=x';
    assert.match(await refusal(Buffer.from(LINES), { contentType }), /is a message of several parts/);
  });
});
