/**
 * Why the package webhdfs reads here, and never writes: what docs/decisions says of it, shown on the real HDFS.
 * Each test would fail if the package did right.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import test, { after, before, beforeEach, describe } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/harness.ts';
import { deadServer, errorOf, FaultyHdfs, NAME_NODE, PUT } from '../support/faulty-hdfs.ts';

type Done = (error: Error | null | boolean, value?: unknown) => void;

/** Types of the parts of webhdfs that these tests use; adapters/auditor/npm-webhdfs.d.ts has those of the auditor. */
interface TheirHdfs {
  rename(from: string, to: string, done: Done): void;
  unlink(path: string, done: Done): void;
  exists(path: string, done: Done): void;
  stat(path: string, done: Done): void;
  readFile(path: string, done: Done): void;
  writeFile(path: string, content: Buffer, done: Done): { abort(): void };
}

const require = createRequire(import.meta.url);
const webhdfs = require('webhdfs') as { createClient(options: object): TheirHdfs };

/** Longer than any answer takes, and not long. */
const PATIENCE_MS = 1_500;

let hdfs: FaultyHdfs;
let theirs: TheirHdfs;

before(async () => {
  hdfs = await FaultyHdfs.start('named-packages');
  theirs = theirClient(hdfs.nameNode.address);
});
beforeEach(() => {
  hdfs.clear();
});
after(() => hdfs.stop());

function theirClient(nameNode: string): TheirHdfs {
  const { hostname, port } = new URL(nameNode);
  return webhdfs.createClient({ host: hostname, port, user: 'hdfs', path: '/webhdfs/v1' });
}

/** Returns the result of a call of a package: its error, or its value. */
function outcome(start: (done: Done) => void): Promise<{ error: unknown; value: unknown }> {
  return new Promise((resolve) => {
    start((error, value) => {
      resolve({ error, value });
    });
  });
}

const SUCCESS = { error: null, value: undefined };

/** Returns HDFS's own response to a RENAME or a DELETE. */
async function answerOf(method: string, path: string, query: string): Promise<unknown> {
  const answer = await fetch(`${NAME_NODE}/webhdfs/v1${path}?user.name=hdfs&${query}`, { ...PUT, method });
  return answer.json();
}

async function fileOf(content: string): Promise<string> {
  const path = hdfs.fresh();
  await hdfs.direct.create(path, Buffer.from(content));
  return path;
}

describe('the package webhdfs', () => {
  test('reports success for a rename that HDFS refused; our client reports an error', async () => {
    const [from, to] = [await fileOf('from'), await fileOf('to')];
    const refused = await answerOf('PUT', from, `op=RENAME&destination=${to}`);
    assert.deepEqual(refused, { boolean: false });
    const renamed = await outcome((done) => {
      theirs.rename(from, to, done);
    });
    assert.deepEqual(renamed, SUCCESS);
    assert.equal((await hdfs.direct.read(to)).toString(), 'to');
    assert.equal((await errorOf(hdfs.direct.rename(from, to))).exception, 'FileAlreadyExistsException');
  });

  test('reports success for a rename of a missing file; our client reports that it is missing', async () => {
    const [from, to] = [hdfs.fresh(), hdfs.fresh()];
    const renamed = await outcome((done) => {
      theirs.rename(from, to, done);
    });
    assert.deepEqual(renamed, SUCCESS);
    assert.equal((await errorOf(hdfs.direct.rename(from, to))).exception, 'FileNotFoundException');
  });

  test('moves a file into a folder that exists at the new path; our client reports an error', async () => {
    const [from, folder] = [await fileOf('from'), hdfs.fresh()];
    await hdfs.direct.makeFolder(folder);
    await errorOf(hdfs.direct.rename(from, folder));
    const renamed = await outcome((done) => {
      theirs.rename(from, folder, done);
    });
    assert.deepEqual(renamed, SUCCESS);
    assert.equal((await hdfs.direct.list(folder)).length, 1);
  });

  test('reports success for the removal of a missing file; our client reports that it was missing', async () => {
    const path = hdfs.fresh();
    assert.deepEqual(await answerOf('DELETE', path, 'op=DELETE'), { boolean: false });
    const removed = await outcome((done) => {
      theirs.unlink(path, done);
    });
    assert.deepEqual(removed, SUCCESS);
    assert.equal(await hdfs.direct.delete(path), false);
  });

  test('reports success for a write that a DataNode refused with 503; our client reports an error', async () => {
    const path = hdfs.fresh();
    hdfs.dataNode.plan(/op=CREATE/, { kind: 'answer', status: 503, body: 'busy' }, 2);
    const written = await outcome((done) => {
      theirs.writeFile(path, Buffer.from('content'), done);
    });
    assert.deepEqual(written, SUCCESS);
    assert.equal(await hdfs.direct.status(path), undefined, 'nothing was written');
    const error = await errorOf(hdfs.client().create(path, Buffer.from('content')));
    assert.equal(error.httpStatus, 503);
  });

  for (const [what, fault] of [
    ['that a NameNode refused with 503', { kind: 'answer', status: 503, body: 'busy' }],
    ['to a NameNode that does not answer', { kind: 'freeze' }],
  ] as const) {
    test(`never ends a write ${what}; our client fails`, async () => {
      const path = hdfs.fresh();
      hdfs.nameNode.plan(/op=create/i, fault, 5);
      let sent: { abort(): void } | undefined;
      const written = outcome((done) => {
        sent = theirs.writeFile(path, Buffer.from('content'), done);
      });
      assert.equal(await Promise.race([written, pause(PATIENCE_MS, 'waits')]), 'waits');
      assert.equal(hdfs.nameNode.count('op=create'), 1, 'it came long ago');
      sent?.abort();
      const error = await errorOf(hdfs.client().create(path, Buffer.from('content')));
      assert.equal(error.code, 'HDFS_UNREACHABLE');
    });
  }

  test('returns an error page as the content of a file; our client reports an error', async () => {
    const path = await fileOf('content');
    hdfs.dataNode.plan(/op=OPEN/i, { kind: 'answer', status: 503, body: 'a page of an error' }, 5);
    const read = await outcome((done) => {
      theirs.readFile(path, done);
    });
    assert.deepEqual(read, { error: null, value: Buffer.from('a page of an error') });
    assert.equal((await errorOf(hdfs.client().read(path))).httpStatus, 503);
  });

  test('returns a cut response without a length as a whole file; our client reports an error', async () => {
    const path = await fileOf('content');
    const server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ncont'));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const headers = { location: `http://127.0.0.1:${port}/` };
    hdfs.nameNode.plan(/op=OPEN/i, { kind: 'answer', status: 307, headers }, 5);
    const read = await outcome((done) => {
      theirs.readFile(path, done);
    });
    assert.deepEqual(read, { error: null, value: Buffer.from('cont') });
    assert.match((await errorOf(hdfs.client().read(path))).message, /neither Content-Length nor chunked/);
    await once(server.close(), 'close');
  });

  test('reports a cut response with a length', async () => {
    const path = await fileOf('content');
    hdfs.dataNode.plan(/op=OPEN/i, { kind: 'cut-answer', afterBytes: 4 }, 5);
    const { error } = await outcome((done) => {
      theirs.readFile(path, done);
    });
    assert.ok(error instanceof Error);
    await errorOf(hdfs.client().read(path));
  });

  test('replaces a file by default; our client never does', async () => {
    const path = await fileOf('old');
    const refused = await errorOf(hdfs.direct.create(path, Buffer.from('new')));
    assert.equal(refused.exception, 'FileAlreadyExistsException');
    const written = await outcome((done) => {
      theirs.writeFile(path, Buffer.from('new'), done);
    });
    assert.deepEqual(written, SUCCESS);
    assert.equal((await hdfs.direct.read(path)).toString(), 'new');
  });

  test('reports a missing file if the NameNode is down; our client reports the NameNode', async () => {
    const { address } = await deadServer();
    // `exists` gives its answer in the place of the error.
    const found = await outcome((done) => {
      theirClient(address).exists('/', done);
    });
    assert.equal(found.error, false);
    assert.equal((await errorOf(hdfs.client([address]).status('/'))).code, 'HDFS_UNREACHABLE');
  });

  test('writes a name with a percent sign under another name; our client under the same name', async () => {
    const folder = hdfs.fresh();
    const written = await outcome((done) => {
      theirs.writeFile(`${folder}/a%41`, Buffer.from('content'), done);
    });
    assert.deepEqual(written, SUCCESS);
    await hdfs.direct.create(`${folder}/b%42`, Buffer.from('content'));
    assert.deepEqual(
      (await hdfs.direct.list(folder)).map(({ name }) => name),
      ['aA', 'b%42'],
    );
  });

  test('keeps only the message of an error; our client keeps its class, which distinguishes errors', async () => {
    const path = hdfs.fresh();
    const { error } = await outcome((done) => {
      theirs.stat(path, done);
    });
    assert.ok(error instanceof Error);
    assert.deepEqual(Object.keys(error), []);
    assert.doesNotMatch(`${error.name} ${error.message}`, /FileNotFoundException/);
    assert.equal((await errorOf(hdfs.direct.read(path))).exception, 'FileNotFoundException');
  });
});

test('fetch of Node fails at the answer of a DataNode that took the whole file', async () => {
  const path = hdfs.fresh();
  const first = `${NAME_NODE}/webhdfs/v1${path}?op=CREATE&user.name=hdfs`;
  const { headers } = await fetch(first, { ...PUT, redirect: 'manual' });
  await assert.rejects(fetch(headers.get('location') ?? '', { ...PUT, body: Buffer.from('content') }));
  await eventually('the file is there', async () => (await hdfs.direct.status(path))?.length === 7);
});
