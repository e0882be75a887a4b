import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import zlib from 'node:zlib';
import { compress } from 'snappyjs';
import { codecOf, decompressZstd } from '../../adapters/kafka-codecs.ts';
import { PipelineError } from '../../model/errors.ts';

/** 64 KB and more, so that it is several blocks. */
const RECORDS = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * at) % 251));

/** Snappy in the framing of the Java client, in blocks of 32 KB. */
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

/** `zstd` of the text "zstd", as its own command line writes it. */
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
  test('is read in the framing of the Java client, and without one', async () => {
    assert.deepEqual(await codecOf('snappy')(xerial(RECORDS)), RECORDS);
    assert.deepEqual(await codecOf('snappy')(compress(RECORDS)), RECORDS);
  });

  test('that is cut off anywhere is refused, but for between two blocks', async () => {
    const whole = xerial(RECORDS);
    for (const bytes of [18, 21, 1000, whole.length - 1]) {
      assert.equal(
        (await failureOf(codecOf('snappy')(whole.subarray(0, bytes)))).code,
        'KAFKA_BATCH_UNREADABLE',
      );
    }
  });

  test('that says it holds gigabytes is refused before it takes them', async () => {
    // The length 2^32 - 1 as snappy writes it, then nothing.
    const failure = await failureOf(codecOf('snappy')(Buffer.from('ffffffff0f', 'hex')));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
  });
});

describe('gzip', () => {
  test('is read', async () => {
    assert.deepEqual(await codecOf('gzip')(zlib.gzipSync(RECORDS)), RECORDS);
  });

  test('that swells to more than a batch may take is refused', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc((256 << 20) + 1), { level: 1 });
    const failure = await failureOf(codecOf('gzip')(bomb));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
  });
});

test('what is not of its compression is refused by name', async () => {
  for (const name of ['gzip', 'snappy', 'lz4'] as const) {
    const failure = await failureOf(codecOf(name)(Buffer.from('\u0082 no such thing')));
    assert.equal(failure.code, 'KAFKA_BATCH_UNREADABLE');
    assert.match(failure.message, new RegExp(`^${name} and cannot be decompressed`));
  }
});

describe('zstd', () => {
  test('is said to be missing where this Node has none', async () => {
    const failure = await failureOf(decompressZstd({})(ZSTD));
    assert.equal(failure.code, 'KAFKA_CODEC_MISSING');
    assert.match(failure.message, /^zstd, which Node reads from 22\.15 on, and this worker runs on \d+\./);
  });

  test(
    'is read where this Node has it',
    { skip: !('zstdDecompress' in zlib) && 'this Node has none' },
    async () => {
      assert.equal((await codecOf('zstd')(ZSTD)).toString(), 'zstd');
    },
  );
});
