import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { readFrames } from '../../adapters/staging/frames.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { codeOf } from '../support/harness.ts';

let root: string;
let own: RunStaging;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'run-staging-'));
  own = RunStaging.of({ folderOf: ({ runId }) => join(root, runId) }, { workflowId: 'w', runId: 'own' });
  await own.makeFolder('some/where');
  await mkdir(join(root, 'victim'));
  await writeFile(join(root, 'victim', 'secret'), 'secret');
});

after(() => rm(root, { recursive: true }));

test('a path is confined to the run’s folder', async () => {
  const outside = [
    '..',
    '../victim',
    'some/../../victim',
    '/etc',
    '',
    '.',
    'a//b',
    'a/',
    './a',
    'a\0',
    '-',
    'ä',
  ];
  for (const path of outside) {
    assert.match(await codeOf(own.locate(path)), /^INPUT_INVALID/, path);
    assert.match(await codeOf(own.remove(path)), /^INPUT_INVALID/, path);
    assert.match(await codeOf(own.requireReceipt(path, 1)), /^INPUT_INVALID/, path);
  }
  assert.equal(await own.locate('some/where/000001.chunk'), join(own.folder, 'some/where/000001.chunk'));
});

test('links are not followed, at any part of a path', async () => {
  await symlink(join(root, 'victim'), join(own.folder, 'some', 'linked'));
  await symlink(join(root, 'victim', 'secret'), join(own.folder, 'file'));
  for (const path of ['some/linked', 'some/linked/secret', 'file']) {
    assert.match(await codeOf(own.locate(path)), /^INPUT_INVALID/, path);
    assert.match(await codeOf(own.remove(path)), /^INPUT_INVALID/, path);
  }
  assert.match(await codeOf(readFrames(join(own.folder, 'file')).next()), /^STAGING_LOST/);
  const other = RunStaging.of({ folderOf: () => join(root, 'other') }, { workflowId: 'w', runId: 'other' });
  await symlink(join(root, 'victim'), join(root, 'other'));
  assert.match(await codeOf(other.locate('secret')), /^INPUT_INVALID/);
  assert.deepEqual(await readdir(join(root, 'victim')), ['secret']);
});

test('a receipt matches unchanged files, in any order of its keys', async () => {
  await own.writeReceipt('some/thing', { a: 1, b: [{ c: 'x', d: null }] });
  await own.requireReceipt('some/thing', { b: [{ d: null, c: 'x' }], a: 1 });
  assert.match(
    await codeOf(own.requireReceipt('some/thing', { a: 1, b: [{ c: 'y', d: null }] })),
    /^INPUT_INVALID/,
  );
  assert.match(await codeOf(own.requireReceipt('some/other', {})), /^STAGING_LOST/);
});

test('a fresh folder replaces earlier ones, under another name', async () => {
  const first = await own.makeFreshFolder('batches/one');
  const other = await own.makeFreshFolder('batches/other');
  await own.writeReceipt(first, {});
  const second = await own.makeFreshFolder('batches/one');
  assert.notEqual(first, second);
  assert.deepEqual(
    (await readdir(join(own.folder, 'batches'))).sort(),
    [second, other].map((path) => path.slice(8)).sort(),
  );
  await rename(join(own.folder, second), join(own.folder, 'batches', 'kept'));
});
