import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { digestsOf, fileChecksum } from '../../adapters/hdfs/checksum.ts';
import { HdfsError } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError } from '../../model/errors.ts';

const MIB = 2 ** 20;
const BLOCK = 128 * MIB;

/** Checksums of HDFS 3.4.2 for the first bytes of {@link pattern}: their number, the block size, the checksum. */
const RECORDED = [
  [0, BLOCK, 'MD5-of-0MD5-of-0CRC32', '00000000000000000000000070bc8f4b72a86921468bf8e8441dce51'],
  [1, BLOCK, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000dc236201841049096ad31b6213203a90'],
  [511, BLOCK, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000842f4cf29d9fbded6a5e6e71b2eca006'],
  [512, BLOCK, 'MD5-of-0MD5-of-512CRC32C', '0000020000000000000000008a495e8395c1cfa6dee23645fdd0b96b'],
  [513, BLOCK, 'MD5-of-0MD5-of-512CRC32C', '0000020000000000000000002d7cd73b3eaa9c68e84cafb6c30e7615'],
  [MIB, BLOCK, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000a65309740c40cc5dd97da556d6cd3cb6'],
  [MIB, MIB, 'MD5-of-0MD5-of-512CRC32C', '000002000000000000000000a65309740c40cc5dd97da556d6cd3cb6'],
  [MIB + 1, MIB, 'MD5-of-2048MD5-of-512CRC32C', '000002000000000000000800950bdd9bece86b56f54406ca9eaea83d'],
  [2 * MIB, MIB, 'MD5-of-2048MD5-of-512CRC32C', '000002000000000000000800e82223a2cf39cc78f9ee87523cb6f791'],
  [
    3 * MIB + 77,
    MIB,
    'MD5-of-2048MD5-of-512CRC32C',
    '000002000000000000000800ff1216765dda75e6f483dcaf184ca3c2',
  ],
  [
    5 * MIB - 1,
    MIB,
    'MD5-of-2048MD5-of-512CRC32C',
    '000002000000000000000800fb9ff03ce3a19b104fda3b3690b9d2e5',
  ],
  [
    3 * MIB + 77,
    1.5 * MIB,
    'MD5-of-3072MD5-of-512CRC32C',
    '000002000000000000000c00b48b1e456d82ee50923eaad1c11b97a4',
  ],
] as const;

/** Makes bytes that differ in every block, the same in every run. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (Math.imul(at, 2654435761) >>> 13) & 0xff;
  return bytes;
}

test('the checksum equals HDFS’s for the same bytes', async () => {
  for (const [length, blockSize, algorithm, bytes] of RECORDED) {
    assert.deepEqual(
      await fileChecksum(pattern(length), blockSize),
      { algorithm, bytes, length: 28 },
      `${length} bytes in blocks of ${blockSize}`,
    );
  }
});

test('a file and the same bytes in memory have the same digests', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hdfs-checksum-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'content');
  const content = pattern(3 * MIB + 77);
  await writeFile(file, content);
  const digests = await digestsOf({ file }, MIB);
  assert.deepEqual(digests, await digestsOf(content, MIB));
  assert.deepEqual(digests.hdfs, await fileChecksum({ file }, MIB));
  assert.equal(digests.bytes, content.length);
});

test('SHA-256 is that of the whole content', async () => {
  const { sha256 } = await digestsOf(Buffer.from('abc'), BLOCK);
  assert.equal(sha256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('a single changed bit changes the checksum, wherever it is', async () => {
  const content = pattern(2 * MIB + 600);
  const { bytes } = await fileChecksum(content, MIB);
  for (const at of [0, 511, 512, MIB - 1, MIB, 2 * MIB + 599]) {
    const changed = Buffer.from(content);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.notEqual((await fileChecksum(changed, MIB)).bytes, bytes, `byte ${at}`);
  }
});

test('an invalid block size is an error', async () => {
  for (const blockSize of [0, -512, 1000, NaN]) {
    await assert.rejects(fileChecksum(Buffer.from('a'), blockSize), (error) => {
      assert.ok(error instanceof HdfsError);
      assert.equal(error.code, 'HDFS_DAMAGED');
      assert.match(error.message, new RegExp(`block size of ${blockSize} bytes`));
      return true;
    });
  }
});

test('a missing local file is named, and is no error of HDFS', async () => {
  await assert.rejects(fileChecksum({ file: '/missing/file' }, BLOCK), (error) => {
    assert.ok(error instanceof PipelineError && !(error instanceof HdfsError));
    assert.equal(error.code, 'STAGING_LOST');
    assert.match(error.message, /\/missing\/file/);
    return true;
  });
});
