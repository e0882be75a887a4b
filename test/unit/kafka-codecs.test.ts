import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compress } from 'snappyjs';
import { codecOf, decompressZstd, type CodecName } from '../../adapters/kafka/wire/compression.ts';
import { measureLz4 } from '../../adapters/kafka/wire/lz4-frame.ts';
import { PipelineError } from '../../model/errors.ts';

/** 64 KB and more, so that it has several blocks. */
const RECORDS = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * at) % 251));

/** Its size: no codec may need more. */
const LIMIT = RECORDS.length;

/** Compresses with snappy in the framing of the Java client, in blocks of 32 KB. */
function xerial(records: Buffer): Buffer {
  const head = Buffer.from('82534e41505059000000000100000001', 'hex');
  const blocks: Buffer[] = [head];
  for (let at = 0; at < records.length; at += 32_768) {
    const block = compress(records.subarray(at, at + 32_768));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    blocks.push(length, block);
  }
  return Buffer.concat(blocks);
}

/** Output of the zstd command line for the text "zstd". */
const ZSTD = Buffer.from('28b52ffd00582100007a737464', 'hex');

async function failureOf(work: Promise<unknown>): Promise<PipelineError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PipelineError) return error;
    throw error;
  }
  throw new TypeError('nothing failed');
}

describe('snappy', () => {
  test('is read with the framing of the Java client, and without', async () => {
    assert.deepEqual(await codecOf('snappy')(xerial(RECORDS), LIMIT), RECORDS);
    assert.deepEqual(await codecOf('snappy')(compress(RECORDS), LIMIT), RECORDS);
  });

  test('that is truncated is refused, except between two blocks', async () => {
    const whole = xerial(RECORDS);
    for (const bytes of [18, 21, 1000, whole.length - 1]) {
      assert.equal(
        (await failureOf(codecOf('snappy')(whole.subarray(0, bytes), LIMIT))).code,
        'KAFKA_BATCH_UNREADABLE',
      );
    }
  });

  test('that claims gigabytes is refused before it allocates them', async () => {
    // The length 2^32 - 1 as a varint of snappy, then nothing.
    const failure = await failureOf(codecOf('snappy')(Buffer.from('ffffffff0f', 'hex'), LIMIT));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
  });
});

/** Node supports it from 22.15 on. */
const RUNTIME: typeof zlib & { readonly zstdCompressSync?: (records: Buffer) => Buffer } = zlib;
const { zstdCompressSync: zstdCompress } = RUNTIME;

/** Records of each codec, in the framings of different producers. */
const COMPRESSED: readonly (readonly [name: CodecName, what: string, bytes: Buffer])[] = [
  ['gzip', 'one member', zlib.gzipSync(RECORDS)],
  [
    'gzip',
    'two members',
    Buffer.concat([RECORDS.subarray(0, 9), RECORDS.subarray(9)].map((part) => zlib.gzipSync(part))),
  ],
  ['snappy', 'one block', compress(RECORDS)],
  ['snappy', 'the framing of the Java client', xerial(RECORDS)],
  ['lz4', 'one frame', compressFrameSync(RECORDS)],
  ...(zstdCompress === undefined ? [] : [['zstd', 'one frame', zstdCompress(RECORDS)] as const]),
];

for (const [name, what, bytes] of COMPRESSED) {
  test(`${name} in ${what} is accepted up to the limit, and not one byte more`, async () => {
    assert.deepEqual(Buffer.from(await codecOf(name)(bytes, LIMIT)), RECORDS);
    const failure = await failureOf(codecOf(name)(bytes, LIMIT - 1));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
    assert.match(
      failure.message,
      new RegExp(`more than the ${LIMIT - 1} bytes .*limits\\.batchDecodedBytes`),
    );
  });
}

describe('lz4', () => {
  test('is measured while it decompresses, whatever its header claims', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.nat(400), (bytes, times) => {
        const records = Buffer.concat(Array.from({ length: times }, () => bytes));
        const compressed = compressFrameSync(records);
        const after = Buffer.concat([compressed, Buffer.from('what comes after a frame')]);
        assert.deepEqual(measureLz4(after, Infinity), { frame: compressed, contentBytes: records.length });
      }),
    );
  });

  test('that is truncated is refused', async () => {
    const whole = compressFrameSync(RECORDS);
    for (const bytes of [3, 6, 10, 1_000, whole.length - 1])
      assert.equal(
        (await failureOf(codecOf('lz4')(whole.subarray(0, bytes), LIMIT))).code,
        'KAFKA_BATCH_UNREADABLE',
      );
  });

  test('that claims terabytes is refused before it allocates them', async () => {
    const head = Buffer.from('04224d18' + '6c40' + '0000000000010000' + '00' + '00000000', 'hex');
    assert.match((await failureOf(codecOf('lz4')(head, LIMIT))).message, /limits\.batchDecodedBytes/);
  });
});

describe('gzip', () => {
  test('is read', async () => {
    assert.deepEqual(await codecOf('gzip')(zlib.gzipSync(RECORDS), LIMIT), RECORDS);
  });

  test('that expands beyond the limit of a batch is refused', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc((256 << 20) + 1), { level: 1 });
    const failure = await failureOf(codecOf('gzip')(bomb, 256 << 20));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
  });
});

test('bytes of another compression are refused by name', async () => {
  for (const name of ['gzip', 'snappy', 'lz4'] as const) {
    const failure = await failureOf(codecOf(name)(Buffer.from('\u0082 no such thing'), LIMIT));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
    assert.match(failure.message, new RegExp(`^${name} and cannot be decompressed`));
  }
});

/** Tiny inputs that claim a large output. */
const HOSTILE: readonly (readonly [name: CodecName, what: string, bytes: Buffer])[] = [
  ['snappy', 'a block of 2 GiB in the framing of the Java client', xerialHead('7fffffff', '00')],
  ['snappy', 'a block of fewer than no bytes there', xerialHead('ffffffff', '00')],
  ['snappy', 'an empty block there', xerialHead('00000000')],
  ['snappy', 'a copy from before the beginning', Buffer.from('ff01' + '00' + '61' + 'fe' + 'ff00', 'hex')],
  ['lz4', 'a block of 2 GiB', lz4Frame('ffffff7f')],
  ['lz4', 'a match from before the beginning', lz4Frame('04000000', '00ff0000')],
  ['lz4', 'a length without end', lz4Frame('08000000', 'ffffffffffffffff')],
  ['gzip', 'a head alone', Buffer.from('1f8b0800000000000003', 'hex')],
  ['zstd', 'a window of 2 GiB', Buffer.from('28b52ffd00a8' + '03001061', 'hex')],
  ['zstd', 'a content of 16 EiB', Buffer.from('28b52ffde0ffffffffffffffff' + '03001061', 'hex')],
];

function xerialHead(...blocks: readonly string[]): Buffer {
  return Buffer.from('82534e41505059000000000100000001' + blocks.join(''), 'hex');
}

/** Makes blocks of a frame, of at most 64 KiB each. */
function lz4Frame(...blocks: readonly string[]): Buffer {
  return Buffer.from('04224d18' + '604082' + blocks.join('') + '00000000', 'hex');
}

for (const [name, what, bytes] of HOSTILE) {
  test(`${name} with ${what} is refused by name`, async () => {
    const { code } = await failureOf(codecOf(name)(bytes, LIMIT));
    const isMissing = name === 'zstd' && zstdCompress === undefined;
    assert.equal(code, isMissing ? 'KAFKA_CODEC_MISSING' : 'KAFKA_BATCH_UNREADABLE');
  });
}

test('any bytes are decompressed or refused by name, and never exceed the limit', async () => {
  const name = fc.constantFrom(...COMPRESSED.map(([codec]) => codec));
  const change = fc.tuple(fc.nat(), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      name,
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.nat(200),
      async (codec, changes, cut) => {
        const [, , whole = Buffer.alloc(0)] = COMPRESSED.find(([one]) => one === codec) ?? [];
        const bytes = Buffer.from(whole.subarray(0, whole.length - cut));
        for (const [at, byte] of changes) bytes.writeUInt8(byte, at % (at % 2 === 0 ? 64 : bytes.length));
        const read = await codecOf(codec)(bytes, LIMIT).catch((error: unknown) => error);
        if (Buffer.isBuffer(read)) assert.ok(read.length <= LIMIT);
        else assert.ok(read instanceof PipelineError, String(read));
      },
    ),
    { numRuns: 300 },
  );
});

for (const [name, what, member, times] of [
  ['gzip', 'members', zlib.gzipSync(''), 50_000],
  ['snappy', 'blocks', Buffer.from('0000000100', 'hex'), 200_000],
  ['lz4', 'blocks', Buffer.from('01000080' + '61', 'hex'), 200_000],
  ['zstd', 'frames', Buffer.from('28b52ffd2000' + '010000', 'hex'), 100_000],
] as const) {
  const skip = name === 'zstd' && zstdCompress === undefined && 'this Node has none';
  test(`${name} of ${times} tiny ${what} in a megabyte is read`, { skip }, async () => {
    const all = Buffer.concat(Array.from({ length: times }, () => member));
    const framed = {
      gzip: all,
      snappy: xerialHead(all.toString('hex')),
      lz4: lz4Frame(all.toString('hex')),
      zstd: all,
    };
    const read = await codecOf(name)(framed[name], LIMIT);
    assert.equal(read.length, name === 'lz4' ? times : 0);
  });
}

describe('zstd', () => {
  test('is reported as unsupported where this Node lacks it', async () => {
    const failure = await failureOf(decompressZstd({})(ZSTD, LIMIT));
    assert.equal(failure.code, 'KAFKA_CODEC_MISSING');
    assert.match(failure.message, /^zstd, which Node reads from 22\.15 on, and this worker runs on \d+\./);
  });

  test(
    'is read where this Node supports it',
    { skip: !('zstdDecompress' in zlib) && 'this Node has none' },
    async () => {
      assert.equal((await codecOf('zstd')(ZSTD, LIMIT)).toString(), 'zstd');
    },
  );
});
