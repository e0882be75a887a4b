import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { NAME_NODE } from '../support/faulty-hdfs.ts';
import { HdfsFolder, refusedBy } from '../support/hdfs-folder.ts';

const hdfs = new WebHdfs({ nameNodes: [NAME_NODE], user: 'hdfs' });
let testFolder: HdfsFolder;

before(async () => {
  testFolder = await HdfsFolder.make(hdfs, 'webhdfs-folders');
});
after(() => testFolder.remove());

test('names with blanks, signs, accents and other scripts are the same in every operation', async () => {
  const names = [
    'a b',
    '100%',
    '%41',
    'a%2Fb',
    'a#b',
    'a?b',
    'é',
    '中',
    '😀',
    'a+b',
    'a&b=c',
    "a'b",
    'a;b',
    'a\\b',
  ];
  const folder = `${testFolder.fresh()}/f + %é`;
  for (const name of names) {
    const path = `${folder}/${name}`;
    await hdfs.create(`${path}.new`, Buffer.from(name));
    await hdfs.rename(`${path}.new`, path);
    assert.equal((await hdfs.status(path))?.name, name);
    assert.equal((await hdfs.read(path)).toString(), name);
    assert.equal((await hdfs.checksum(path)).length, 28);
  }
  const listed = (await hdfs.list(folder)).map(({ path }) => path);
  assert.deepEqual(listed, names.map((name) => `${folder}/${name}`).sort(asHdfs));
  for (const name of names) {
    const after = (await hdfs.list(folder, { startAfter: name })).map(({ path }) => path);
    assert.deepEqual(after, listed.slice(listed.indexOf(`${folder}/${name}`) + 1));
  }
  for (const name of names) assert.equal(await hdfs.delete(`${folder}/${name}`), true);
  assert.deepEqual(await hdfs.list(folder), []);
});

test('a folder of more than one page is listed whole, each name once', async () => {
  const folder = testFolder.fresh();
  const names = Array.from({ length: 1_203 }, (_, at) => String(at).padStart(5, '0'));
  for (let at = 0; at < names.length; at += 24) {
    await Promise.all(names.slice(at, at + 24).map((name) => hdfs.makeFolder(`${folder}/${name}`)));
  }
  assert.deepEqual(
    (await hdfs.list(folder)).map(({ name }) => name),
    names,
  );
  const [last] = await hdfs.list(folder, { startAfter: '01201' });
  assert.equal(last?.name, '01202');
  assert.deepEqual(await hdfs.list(folder, { startAfter: '01202x' }), []);
});

test('listing a missing path, or a file, is an error and not an empty list', async () => {
  const path = testFolder.fresh();
  await refusedBy('FileNotFoundException', hdfs.list(path));
  await hdfs.create(path, Buffer.from('a'));
  await assert.rejects(hdfs.list(path), /it is a file, not a folder/);
});

test('a folder is created with its parents, again without effect, and never in place of a file', async () => {
  const folder = testFolder.fresh();
  await hdfs.makeFolder(`${folder}/a/b`);
  await hdfs.makeFolder(`${folder}/a/b`);
  await hdfs.create(`${folder}/a/b/c`, Buffer.from('c'));
  await refusedBy('FileAlreadyExistsException', hdfs.makeFolder(`${folder}/a/b/c`));
  await refusedBy('ParentNotDirectoryException', hdfs.create(`${folder}/a/b/c/d`, Buffer.from('d')));
});

test('a delete returns whether the path existed, and refuses a folder that is not empty', async () => {
  const folder = testFolder.fresh();
  await hdfs.create(`${folder}/a`, Buffer.from('a'));
  await refusedBy('PathIsNotEmptyDirectoryException', hdfs.delete(folder));
  assert.equal(await hdfs.delete(folder, { recursive: true }), true);
  assert.equal(await hdfs.delete(folder, { recursive: true }), false);
});

/** Compares names in HDFS's order: by their bytes, as signed ones. */
function asHdfs(one: string, other: string): number {
  const [ones, others] = [one, other].map((name) => Buffer.from(name).map((byte) => byte ^ 0x80));
  return Buffer.compare(ones ?? Buffer.alloc(0), others ?? Buffer.alloc(0));
}
