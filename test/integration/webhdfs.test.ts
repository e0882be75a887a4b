import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { digestsOf } from '../../adapters/hdfs/checksum.ts';
import { HdfsError, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError } from '../../model/errors.ts';
import { NAME_NODE } from '../support/faulty-hdfs.ts';
import { HdfsFolder, refusedBy } from '../support/hdfs-folder.ts';

const MIB = 2 ** 20;

const hdfs = new WebHdfs({ nameNodes: [NAME_NODE], user: 'hdfs' });
let testFolder: HdfsFolder;
let local: string;

before(async () => {
  local = await mkdtemp(join(tmpdir(), 'webhdfs-'));
  testFolder = await HdfsFolder.make(hdfs, 'webhdfs');
});
after(async () => {
  await testFolder.remove();
  await rm(local, { recursive: true });
});

/** Writes a file in blocks of a given size, which the client has no need for. */
async function createInBlocks(path: string, blockSize: number, content: Buffer): Promise<void> {
  const put = (url: string, body?: Buffer): Promise<{ status: number | undefined; location: string }> =>
    new Promise((resolve, reject) => {
      const asked = request(url, { method: 'PUT' }, (answer) => {
        answer.resume().on('end', () => {
          resolve({ status: answer.statusCode, location: answer.headers.location ?? '' });
        });
      });
      asked.on('error', reject).end(body);
    });
  const query = `op=CREATE&user.name=hdfs&overwrite=false&blocksize=${blockSize}`;
  const { location } = await put(`${NAME_NODE}/webhdfs/v1${path}?${query}`);
  assert.equal((await put(location, content)).status, 201);
}

test('content of any length is read back as written, from memory and from a file', async () => {
  for (const length of [0, 1, 511, 512, 513, 65_536, 3 * MIB + 1]) {
    const content = randomBytes(length);
    const file = join(local, 'sent');
    await writeFile(file, content);
    for (const body of [content, { file }]) {
      const path = testFolder.fresh();
      await hdfs.create(path, body);
      assert.ok((await hdfs.read(path)).equals(content), `${length} bytes`);
      const received = join(local, 'received');
      await hdfs.download(path, received, length);
      assert.ok((await readFile(received)).equals(content), `${length} bytes`);
    }
  }
});

test('the checksum computed here is the one that HDFS reports, for every shape of file', async () => {
  const shapes = [
    ...[0, 1, 511, 512, 513, MIB - 1, MIB, MIB + 1].map((length) => [length, 128 * MIB] as const),
    ...[MIB, MIB + 1, 2 * MIB, 3 * MIB + 77, 5 * MIB].map((length) => [length, MIB] as const),
    [4 * MIB, 1.5 * MIB] as const,
  ];
  for (const [length, blockSize] of shapes) {
    const path = testFolder.fresh();
    const content = randomBytes(length);
    await createInBlocks(path, blockSize, content);
    const status = await hdfs.status(path);
    assert.equal(status?.blockSize, blockSize);
    const { hdfs: computed } = await digestsOf(content, blockSize);
    assert.deepEqual(computed, await hdfs.checksum(path), `${length} bytes in blocks of ${blockSize}`);
  }
});

test('a status describes a file or folder, and is undefined only for a missing path', async () => {
  const path = `${testFolder.fresh()}/file`;
  const before = Date.now();
  await hdfs.create(path, Buffer.from('twelve bytes'));
  const status = await hdfs.status(path);
  assert.ok(status !== undefined && Math.abs(status.modifiedAtMs - before) < 60_000);
  assert.deepEqual(
    { ...status, fileId: 0, modifiedAtMs: 0, blockSize: 0 },
    {
      ...{ path, name: 'file', type: 'FILE', fileId: 0, length: 12, modifiedAtMs: 0, blockSize: 0 },
      ...{ replication: 1, owner: 'hdfs', group: 'supergroup', permission: '644' },
    },
  );
  assert.equal((await hdfs.status(testFolder.path))?.type, 'DIRECTORY');
  assert.equal((await hdfs.status('/'))?.path, '/');
  assert.equal(await hdfs.status(`${path}-missing`), undefined);
  assert.equal(await hdfs.readIfExists(`${path}-missing`), undefined);
  assert.equal((await hdfs.readIfExists(path))?.toString(), 'twelve bytes');
  await refusedBy('FileNotFoundException', hdfs.read(`${path}-missing`));
  await refusedBy('FileNotFoundException', hdfs.checksum(`${path}-missing`));
});

test('reading a folder is not reported as a missing file', async () => {
  await refusedBy('FileNotFoundException', hdfs.readIfExists(testFolder.path));
});

test('a create never replaces a file, whatever the length of its content', async () => {
  const path = testFolder.fresh();
  await hdfs.create(path, Buffer.from('first'));
  for (const length of [0, 1, 100_000, 30 * MIB]) {
    const error = await refusedBy('FileAlreadyExistsException', hdfs.create(path, Buffer.alloc(length)));
    assert.match(error.message, /^CREATE \/test\/\S+ at DataNode \S+:\d+: FileAlreadyExistsException: /);
    assert.doesNotMatch(error.message, /\n|\tat /);
  }
  assert.equal((await hdfs.read(path)).toString(), 'first');
});

test('a rename onto a file is refused, and neither file is changed', async () => {
  const [from, to] = [testFolder.fresh(), testFolder.fresh()];
  await hdfs.create(from, Buffer.from('from'));
  await hdfs.create(to, Buffer.from('to'));
  await refusedBy('FileAlreadyExistsException', hdfs.rename(from, to));
  assert.equal((await hdfs.read(from)).toString(), 'from');
  assert.equal((await hdfs.read(to)).toString(), 'to');
});

test('a rename onto a folder is refused, and does not move the file into it', async () => {
  const [from, to] = [testFolder.fresh(), testFolder.fresh()];
  await hdfs.create(from, Buffer.from('from'));
  await hdfs.makeFolder(to);
  await refusedBy('IOException', hdfs.rename(from, to));
  assert.deepEqual(await hdfs.list(to), []);
  assert.equal((await hdfs.read(from)).toString(), 'from');
});

test('a rename of a missing path, or into a missing folder, is refused', async () => {
  const path = testFolder.fresh();
  await refusedBy('FileNotFoundException', hdfs.rename(path, testFolder.fresh()));
  await hdfs.create(path, Buffer.from('a'));
  await refusedBy('FileNotFoundException', hdfs.rename(path, `${testFolder.fresh()}/missing/b`));
  assert.equal((await hdfs.read(path)).toString(), 'a');
});

test('a replace overwrites a file or creates it, and never replaces a folder', async () => {
  const [first, second, to] = [testFolder.fresh(), testFolder.fresh(), testFolder.fresh()];
  await hdfs.create(first, Buffer.from('first'));
  await hdfs.create(second, Buffer.from('second'));
  await hdfs.replace(first, to);
  assert.equal((await hdfs.read(to)).toString(), 'first');
  await hdfs.replace(second, to);
  assert.equal((await hdfs.read(to)).toString(), 'second');
  assert.equal(await hdfs.status(second), undefined);
  await refusedBy('FileNotFoundException', hdfs.replace(second, to));
  await refusedBy('IOException', hdfs.replace(to, testFolder.path));
  assert.equal((await hdfs.read(to)).toString(), 'second');
});

test('of eight concurrent renames to one path, exactly one succeeds', async () => {
  const target = testFolder.fresh();
  const sources = Array.from({ length: 8 }, () => testFolder.fresh());
  for (const source of sources) await hdfs.create(source, Buffer.from(source));
  const outcomes = await Promise.allSettled(sources.map((source) => hdfs.rename(source, target)));
  const winners = sources.filter((_, at) => outcomes[at]?.status === 'fulfilled');
  assert.equal(winners.length, 1);
  assert.equal((await hdfs.read(target)).toString(), winners[0]);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    await refusedBy('FileAlreadyExistsException', Promise.reject(outcome.reason as HdfsError));
  }
});

test('of eight concurrent creates of one path, exactly one succeeds', async () => {
  const path = testFolder.fresh();
  const contents = Array.from({ length: 8 }, (_, at) => Buffer.alloc(1000, at));
  const outcomes = await Promise.allSettled(contents.map((content) => hdfs.create(path, content)));
  const winners = contents.filter((_, at) => outcomes[at]?.status === 'fulfilled');
  assert.equal(winners.length, 1);
  assert.ok(winners[0]?.equals(await hdfs.read(path)));
});

test('a user without permission is refused without retries, by name', async () => {
  const stranger = new WebHdfs({ nameNodes: [NAME_NODE], user: 'nobody' });
  await refusedBy('AccessControlException', stranger.makeFolder(testFolder.fresh()));
  await refusedBy('AccessControlException', stranger.create(testFolder.fresh(), Buffer.alloc(8 * MIB)));
});

test('a download of another length than expected is an error, and leaves no file', async () => {
  const path = testFolder.fresh();
  const received = join(local, 'damaged');
  await hdfs.create(path, Buffer.from('abc'));
  for (const expected of [2, 4]) {
    await assert.rejects(hdfs.download(path, received, expected), (error) => {
      assert.ok(error instanceof HdfsError);
      assert.equal(error.code, 'HDFS_DAMAGED');
      assert.match(error.message, new RegExp(`expected ${expected} bytes, got 3`));
      return true;
    });
    await assert.rejects(readFile(received), { code: 'ENOENT' });
  }
});

test('a local file that is missing or cannot be written is not reported as an error of HDFS', async () => {
  const path = testFolder.fresh();
  for (const call of [
    hdfs.create(path, { file: join(local, 'missing') }),
    hdfs.create(path, Buffer.from('a')).then(() => hdfs.download(path, join(local, 'no', 'folder'), 1)),
  ]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof PipelineError && !(error instanceof HdfsError));
      assert.equal(error.code, 'STAGING_LOST');
      return true;
    });
  }
});
