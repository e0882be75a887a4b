import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, beforeEach } from 'node:test';
import type { ProxyFault } from '../support/faults-proxy.ts';
import {
  deadServer,
  errorOf,
  exception,
  failsForNow,
  FaultyHdfs,
  inTime,
  LIMIT_MS,
  NAME_NODE,
} from '../support/faulty-hdfs.ts';

const MIB = 2 ** 20;
let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('webhdfs-faults');
});
beforeEach(() => {
  faulty.clear();
});
after(() => faulty.stop());

test('a rename whose response is lost was carried out, is reported as ambiguous, and is not retried', async () => {
  const [from, to] = [faulty.fresh(), faulty.fresh()];
  await faulty.direct.create(from, Buffer.from('a'));
  faulty.nameNode.plan(/RENAME/, { kind: 'swallow-answer' });
  await failsForNow(faulty.client().rename(from, to), { ambiguous: true });
  assert.equal(faulty.nameNode.count('RENAME'), 1);
  assert.equal(await faulty.direct.status(from), undefined);
  assert.equal((await faulty.direct.read(to)).toString(), 'a');
});

test('a rename that never arrives is ambiguous too, since the client cannot tell the difference', async () => {
  const [from, to] = [faulty.fresh(), faulty.fresh()];
  await faulty.direct.create(from, Buffer.from('a'));
  for (const fault of [{ kind: 'reset' }, { kind: 'freeze' }] as const) {
    faulty.nameNode.clear();
    faulty.nameNode.plan(/RENAME/, fault);
    await failsForNow(faulty.client().rename(from, to), { ambiguous: true });
    assert.equal(faulty.nameNode.count('RENAME'), 1);
  }
  assert.equal(await faulty.direct.status(to), undefined);
});

test('a rename that was certainly not carried out is sent to the next NameNode', async () => {
  const [from, to] = [faulty.fresh(), faulty.fresh()];
  await faulty.direct.create(from, Buffer.from('a'));
  const stopped = await deadServer();
  await failsForNow(faulty.client([stopped.address]).rename(from, to), { ambiguous: false });
  faulty.nameNode.plan(/RENAME/, exception('StandbyException'));
  await faulty.client([stopped.address, faulty.nameNode.address, NAME_NODE]).rename(from, to);
  assert.equal((await faulty.direct.read(to)).toString(), 'a');
});

test('a rename with the response false, as of HDFS without options, is a failure', async () => {
  const body = '{"boolean":false}';
  faulty.nameNode.plan(/RENAME/, { kind: 'answer', status: 200, body, headers: { 'Content-Length': 17 } });
  await failsForNow(faulty.client().rename(faulty.fresh(), faulty.fresh()), { ambiguous: true });
});

test('the NameNode that last responded is tried first', async () => {
  faulty.nameNode.plan(/./, exception('StandbyException'), 1);
  const hdfs = faulty.client([faulty.nameNode.address, NAME_NODE]);
  await hdfs.status(faulty.root);
  await hdfs.status(faulty.root);
  assert.equal(await hdfs.status(faulty.fresh()), undefined);
  assert.equal(faulty.nameNode.seen.length, 1);
});

test('a missing file is distinguished from an unknown state', async () => {
  const [present, missing] = [faulty.fresh(), faulty.fresh()];
  await faulty.direct.create(present, Buffer.from('a'));
  const faults: ProxyFault[] = [
    { kind: 'reset' },
    { kind: 'freeze' },
    { kind: 'swallow-answer' },
    { kind: 'answer', status: 503, body: '<html>' },
    { kind: 'answer', status: 404, body: '<html>' },
    { kind: 'answer', status: 200, body: '<html>', headers: { 'Content-Length': 6 } },
    { kind: 'answer', status: 200, body: '{}', headers: { 'Content-Length': 2 } },
    exception('StandbyException'),
    exception('SafeModeException'),
    exception('RetriableException'),
  ];
  for (const fault of faults) {
    for (const path of [present, missing]) {
      faulty.nameNode.clear();
      faulty.nameNode.plan(/./, fault, Infinity);
      const hdfs = faulty.client(undefined, 1);
      const calls = [hdfs.status(path), hdfs.readIfExists(path), hdfs.list(path)];
      for (const error of await Promise.all(calls.map(errorOf))) {
        assert.notEqual(error.exception, 'FileNotFoundException');
      }
    }
  }
  assert.equal((await faulty.direct.read(present)).toString(), 'a');
});

test('reads are retried after transient faults, and fail if these persist', async () => {
  const path = faulty.fresh();
  await faulty.direct.create(path, Buffer.alloc(MIB, 'a'));
  const faults: ProxyFault[] = [
    { kind: 'reset' },
    { kind: 'cut-answer', afterBytes: 300_000 },
    { kind: 'answer', status: 503, body: 'busy' },
    exception('EOFException'),
    exception('IOException'),
  ];
  for (const fault of faults) {
    faulty.dataNode.clear();
    faulty.dataNode.plan(/OPEN/, fault);
    assert.equal((await faulty.client().read(path)).length, MIB, fault.kind);
    faulty.dataNode.plan(/OPEN/, fault, Infinity);
    await failsForNow(faulty.client().read(path), { ambiguous: false });
  }
});

test('an interrupted download restarts, and leaves no file if it cannot be completed', async () => {
  const path = faulty.fresh();
  const received = join(faulty.local, 'received');
  const content = Buffer.from(Array.from({ length: MIB }, (_, at) => at % 251));
  await faulty.direct.create(path, content);
  faulty.dataNode.plan(/OPEN/, { kind: 'cut-answer', afterBytes: 700_000 });
  await faulty.client().download(path, received, MIB);
  assert.ok((await readFile(received)).equals(content));
  faulty.dataNode.plan(/OPEN/, { kind: 'cut-answer', afterBytes: 700_000 }, Infinity);
  await failsForNow(faulty.client().download(path, received, MIB), { ambiguous: false });
  await assert.rejects(access(received), { code: 'ENOENT' });
});

test('a frozen NameNode is detected within the timeout, and named', async () => {
  faulty.nameNode.plan(/./, { kind: 'freeze' }, Infinity);
  const error = await inTime(failsForNow(faulty.client().status(faulty.root), { ambiguous: false }));
  assert.match(
    error.message,
    new RegExp(`NameNode ${faulty.nameNode.host}: gave no answer within ${LIMIT_MS} ms`),
  );
});

test('a DataNode that freezes at any moment of a read is detected within the timeout, and named', async () => {
  const path = faulty.fresh();
  await faulty.direct.create(path, Buffer.alloc(4 * MIB));
  for (const afterBytes of [0, MIB]) {
    faulty.dataNode.clear();
    faulty.dataNode.plan(/OPEN/, { kind: 'freeze-answer', afterBytes }, Infinity);
    const read = faulty.client(undefined, 1).read(path);
    const { message } = await inTime(failsForNow(read, { ambiguous: false }));
    assert.match(message, new RegExp(`DataNode ${faulty.dataNode.host}: sent no more of its answer`));
  }
});

test('a response that is late but within the timeout is waited for', async () => {
  faulty.nameNode.plan(/./, { kind: 'delay-answer', ms: LIMIT_MS / 3 }, Infinity);
  faulty.dataNode.plan(/./, { kind: 'delay-answer', ms: LIMIT_MS / 3 }, Infinity);
  const path = faulty.fresh();
  const hdfs = faulty.client(undefined, 1);
  await hdfs.create(path, Buffer.from('late'));
  assert.equal((await hdfs.read(path)).toString(), 'late');
});

test('creating and deleting folders is retried when a response is lost', async () => {
  const folder = faulty.fresh();
  faulty.nameNode.plan(/MKDIRS/, { kind: 'swallow-answer' });
  await faulty.client().makeFolder(folder);
  assert.equal((await faulty.direct.status(folder))?.type, 'DIRECTORY');
  faulty.nameNode.plan(/DELETE/, { kind: 'swallow-answer' });
  assert.equal(await faulty.client().delete(folder), false, 'the second try finds nothing, as documented');
  assert.equal(await faulty.direct.status(folder), undefined);
});

test('a keep-alive connection that the server has closed is replaced once, without counting as a retry', async () => {
  const hdfs = faulty.client(undefined, 1);
  await hdfs.status(faulty.root);
  faulty.nameNode.plan(/GETFILESTATUS/, { kind: 'reset' });
  await hdfs.status(faulty.root);
  assert.equal(faulty.nameNode.seen.length, 3);
  faulty.nameNode.plan(/GETFILESTATUS/, { kind: 'reset' }, 2);
  await failsForNow(hdfs.status(faulty.root), { ambiguous: false });
});

test('a redirect is followed once, to an address of the same kind, and its token is never shown', async () => {
  const locations = ['ftp://127.0.0.1/x?delegation=SECRET', 'https://127.0.0.1:9/x?delegation=SECRET', ''];
  for (const location of [...locations, `${faulty.dataNode.address}/webhdfs/v1/x?delegation=SECRET`]) {
    faulty.nameNode.plan(/OPEN/, { kind: 'answer', status: 307, headers: { location } });
    faulty.dataNode.plan(/./, {
      kind: 'answer',
      status: 307,
      headers: { location: `${faulty.dataNode.address}/again` },
    });
    const error = await errorOf(faulty.client(undefined, 1).read(faulty.fresh()));
    assert.doesNotMatch(error.message, /SECRET/);
  }
  assert.equal(faulty.dataNode.seen.length, 1);
});
