import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { brotliCompressSync, constants, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decoded } from '../../steps/source/decoding.ts';
import { canDecompress } from '../../steps/source/decompression.ts';
import { PipelineError } from '../../model/errors.ts';
import { LINES, decode, decodesTo, refusal, type SentContent } from '../support/decoded-contents.ts';
import { codeOf } from '../support/harness.ts';

const CUT_SHORT =
  /^SOURCE_CUT: the content of source test.* is damaged \w+: unexpected end of file; it may have been cut$/;
const LARGE = Buffer.from('{"a":"xyz"}\n'.repeat(50_000));

/** Makes a gzip member with the optional fields of RFC 1952. */
function memberWithFields(content: string, damage = 0): Buffer {
  const [flags, extra] = [2 | 4 | 8 | 16, Buffer.from([3, 0, 1, 0, 2])];
  const header = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]),
    extra,
    Buffer.from('lines.ndjson\0a comment\0', 'latin1'),
  ]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE((crc32(header) & 0xffff) ^ damage);
  return Buffer.concat([header, sum, gzipSync(content).subarray(10)]);
}

describe('gzip', () => {
  const members = [gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n'), gzipSync('')];
  const zeros = (count: number): Buffer => Buffer.alloc(count);

  test('of several members, with zeros between them and at the end, is decompressed whole', async () => {
    const [one, two, none] = members as [Buffer, Buffer, Buffer];
    await decodesTo(Buffer.concat([one, two]), '{"a":1}\n{"a":2}\n');
    await decodesTo(Buffer.concat([one, zeros(1), none, zeros(700), two, zeros(3)]), '{"a":1}\n{"a":2}\n');
    await decodesTo(Buffer.concat([one, zeros(300_000), two, zeros(100_000)]), '{"a":1}\n{"a":2}\n');
  });

  test('with anything else between its members is an error with the position', async () => {
    const [one, two] = members as [Buffer, Buffer];
    for (const between of ['\n', '\0\0\n', 'x', '\x1f', '\x1f\x8b', '{"a":3}\n']) {
      const before = Buffer.concat([one, Buffer.from(between, 'latin1')]);
      const at = one.length + between.lastIndexOf('\0') + 1;
      const message = await refusal(Buffer.concat([before, two]));
      assert.match(message, /^SOURCE_MALFORMED: the content of source test is damaged gzip: /);
      assert.match(message, new RegExp(`at byte ${at} of the compressed content is neither another member`));
    }
  });

  test('with optional fields in its header is decompressed, and the header’s checksum is verified', async () => {
    const member = memberWithFields(LINES);
    await decodesTo(Buffer.concat([member, member]), LINES + LINES);
    for (let bytes = 1; bytes < member.length; bytes += 1)
      assert.match(await refusal(member.subarray(0, bytes)), CUT_SHORT);
    assert.match(
      await refusal(memberWithFields(LINES, 1)),
      /the checksum of the header of the member at byte 0/,
    );
  });

  test('that is damaged is an error', async () => {
    const whole = gzipSync(LARGE);
    const [sum, length] = [Buffer.from(whole), Buffer.from(whole)];
    sum[whole.length - 8] = (sum.at(-8) ?? 0) ^ 1;
    length[whole.length - 1] = (length.at(-1) ?? 0) ^ 1;
    assert.match(await refusal(sum), /the checksum of the member that ends at byte \d+ is another/);
    assert.match(await refusal(length), /the length of the member that ends at byte \d+ is another/);
  });

  test('of any members is decompressed unchanged, in chunks of any size', async () => {
    const member = fc.record({
      text: fc.string({ maxLength: 3000 }),
      level: fc.constantFrom(0, 1, 9),
      padding: fc.constantFrom(0, 0, 1, 5, 600),
    });
    const many = fc.array(member, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(many, fc.integer({ min: 1, max: 700 }), async (all, pieceBytes) => {
        const content = all.flatMap(({ text, level, padding }) => [
          gzipSync(`{"${text.replaceAll(/[^\x20-\x7e]/g, '')}`, { level }),
          Buffer.alloc(padding),
        ]);
        const due = all.map(({ text }) => `{"${text.replaceAll(/[^\x20-\x7e]/g, '')}`).join('');
        assert.equal(String(await decode(Buffer.concat(content), { pieceBytes })), due);
      }),
      { numRuns: 100, seed: 4 },
    );
  });
});

describe('other codings', () => {
  const brotli = brotliCompressSync(LARGE);

  test('are decompressed by their first bytes, or by Content-Encoding', async () => {
    await decodesTo(deflateSync(LARGE), LARGE);
    await decodesTo(deflateSync(LARGE), LARGE, { contentEncoding: 'deflate' });
    await decodesTo(deflateRawSync(LARGE), LARGE, { contentEncoding: 'Deflate' });
    await decodesTo(brotli, LARGE);
    await decodesTo(brotliCompressSync(LINES), LINES, { contentEncoding: 'br' });
    const wide = { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } };
    await decodesTo(brotliCompressSync(LARGE, wide), LARGE, { contentEncoding: 'br' });
  });

  test('are decompressed within each other, in the order of Content-Encoding, four at most', async () => {
    await decodesTo(gzipSync(gzipSync(LINES)), LINES, { contentEncoding: 'gzip' });
    await decodesTo(brotliCompressSync(gzipSync(LINES)), LINES, { contentEncoding: 'gzip, br' });
    await decodesTo(gzipSync(brotliCompressSync(LINES)), LINES, { contentEncoding: 'br, gzip' });
    await decodesTo(deflateRawSync(brotliCompressSync(LINES)), LINES, { contentEncoding: 'br,deflate' });
    const packed = (times: number): Buffer =>
      times === 0 ? Buffer.from(LINES) : gzipSync(packed(times - 1));
    await decodesTo(packed(4), LINES);
    assert.match(await refusal(packed(5)), /is compressed more than 4 times/);
  });

  test('that Content-Encoding names wrongly are ignored', async () => {
    for (const contentEncoding of ['gzip', 'br', 'deflate', 'identity', 'zstd', 'unknown', 'aws-chunked'])
      await decodesTo(Buffer.from(LINES), LINES, { contentEncoding });
    await decodesTo(gzipSync(LINES), LINES, { contentEncoding: 'br' });
    assert.match(
      await refusal(Buffer.from([9, 8, 7]), { contentEncoding: 'unknown' }),
      /has a Content-Encoding that is not known, "unknown"/,
    );
  });

  test('with trailing data are an error', async () => {
    const sent = { contentEncoding: 'br' };
    assert.match(
      await refusal(Buffer.concat([brotli, Buffer.from('x')]), sent),
      new RegExp(`damaged brotli: it continues after its end, at byte ${brotli.length}`),
    );
  });

  test('zstd is decompressed where Node supports it, and refused by name elsewhere', async () => {
    const frame = Buffer.from('KLUv/SAIQQAAeyJhIjoxfQo=', 'base64');
    if (canDecompress('zstd')) {
      await decodesTo(frame, '{"a":1}\n');
      await decodesTo(Buffer.concat([frame, frame]), '{"a":1}\n{"a":1}\n');
      for (let bytes = 2; bytes < frame.length; bytes += 1)
        assert.match(await refusal(frame.subarray(0, bytes)), CUT_SHORT);
      assert.match(await refusal(Buffer.concat([frame, Buffer.from('\n')])), /damaged zstd: at byte 17 /);
    } else assert.match(await refusal(frame), /is zstd, which is decompressed from Node 24 on/);
  });
});

/** Lengths of truncated contents, short and long. */
function lengthsOf(content: Buffer, least: number): number[] {
  const { length } = content;
  return [least, least + 1, 12, Math.floor(length / 2), length - 9, length - 8, length - 4, length - 1];
}

describe('a truncated compressed content is reported as cut', () => {
  const WHOLE: Record<string, [content: Buffer, least: number, sent?: SentContent]> = {
    gzip: [gzipSync(LARGE), 1],
    'gzip of a few lines': [gzipSync(LINES), 1],
    'gzip that does not shrink it': [gzipSync(LARGE.subarray(0, 2_000), { level: 0 }), 1],
    deflate: [deflateSync(LARGE), 2],
    'deflate by Content-Encoding': [deflateSync(LINES), 2, { contentEncoding: 'deflate' }],
    'deflate without a header': [deflateRawSync(LARGE), 1, { contentEncoding: 'deflate' }],
    brotli: [brotliCompressSync(LARGE), 2, { contentEncoding: 'br' }],
    'gzip in brotli': [brotliCompressSync(gzipSync(LARGE)), 1, { contentEncoding: 'gzip, br' }],
  };
  for (const [kind, [whole, least, sent]] of Object.entries(WHOLE)) {
    test(kind, async () => {
      for (const bytes of lengthsOf(whole, least))
        assert.match(await refusal(whole.subarray(0, bytes), sent), CUT_SHORT, `${bytes} bytes`);
      await decodesTo(whole, await decode(whole, sent), sent);
    });
  }

  test('gzip within gzip, and a later member', async () => {
    const cut = gzipSync(gzipSync(LARGE).subarray(0, 500));
    assert.match(
      await refusal(cut),
      /^SOURCE_CUT: the content of source test, decompressed from gzip, is damaged gzip: unexpected end/,
    );
    const later = Buffer.concat([gzipSync(LINES), Buffer.alloc(9), gzipSync(LINES)]);
    const begin = gzipSync(LINES).length + 9;
    for (let bytes = begin + 1; bytes < later.length; bytes += 1)
      assert.match(await refusal(later.subarray(0, bytes)), CUT_SHORT);
  });
});

test('JSON text is passed through unchanged, also where it is invalid, empty or begins with spaces and a byte order mark', async () => {
  for (const text of [
    '',
    ' \n',
    '\ufeff',
    '[',
    '{',
    '"',
    'keen_id,started_at\n',
    ' \r\n[1]',
    `\ufeff${LINES}`,
    '{"a":"\0"}',
    '[{"\xff',
  ])
    await decodesTo(Buffer.from(text), text);
});

test('any bytes are decoded or refused by name', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 700 }),
      fc.integer({ min: 1, max: 100 }),
      async (bytes, size) => {
        for (const contentEncoding of [undefined, 'br', 'deflate', 'gzip']) {
          const sent = { pieceBytes: size, ...(contentEncoding === undefined ? {} : { contentEncoding }) };
          await decode(Buffer.from(bytes), sent).catch((error: unknown) => {
            assert(error instanceof PipelineError);
            assert.ok(['SOURCE_MALFORMED', 'SOURCE_CUT'].includes(error.code), error.code);
          });
        }
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});

test('more bytes than the limit are refused, however they are compressed', async () => {
  const large = Buffer.alloc(3_000_000, '{"a":1}\n');
  const maxBytes = 2_000_000;
  const bombs: [Buffer, SentContent?][] = [
    [large],
    [gzipSync(large)],
    [gzipSync(gzipSync(large))],
    [brotliCompressSync(large), { contentEncoding: 'br' }],
    [deflateSync(large)],
    // In an inner layer of compression, whose final output is small.
    [gzipSync(Buffer.concat([gzipSync(LINES), Buffer.alloc(3_000_000)]))],
    [Buffer.concat([gzipSync(LINES), Buffer.alloc(3_000_000)])],
  ];
  for (const [content, sent] of bombs)
    assert.match(
      await codeOf(decode(content, { ...sent, maxBytes })),
      /^SOURCE_TOO_LARGE: .* more than 2000000/,
    );
});

test('an error of the source during decompression is rethrown', async () => {
  async function* cut(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(gzipSync(LARGE).subarray(0, 500));
    throw new PipelineError('SOURCE_UNREACHABLE', 'it was cut');
  }
  const content = { bytes: cut(), contentEncoding: undefined, contentType: undefined };
  const reading = (async () => {
    for await (const piece of decoded(content, { subject: 'source test', maxBytes: 1 << 24 }))
      assert(piece.length > 0);
  })();
  assert.equal(await codeOf(reading), 'SOURCE_UNREACHABLE: it was cut');
});

test('a source that is only partly read is closed', async () => {
  let closed = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield await Promise.resolve(gzipSync(LINES));
    } finally {
      closed += 1;
    }
  }
  const content = { bytes: endless(), contentEncoding: undefined, contentType: undefined };
  for await (const piece of decoded(content, { subject: 'source test', maxBytes: 1 << 24 })) {
    assert(piece.length > 0);
    break;
  }
  assert.equal(closed, 1);
});
