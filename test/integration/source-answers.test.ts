import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline } from '../support/harness.ts';
import { waitingOf } from '../support/waiting.ts';

let pipeline: TestPipeline;
let platform: Platform;

before(async () => {
  platform = await startPlatform({ count: 50 });
  const at = (path: string): { url: string } => ({ url: `${platform.url}${path}` });
  pipeline = await TestPipeline.create({
    empty: { url: 'file:empty' },
    none: at('/none/attempts'),
    later: at('/later/attempts?count=3&seed=21'),
    moved: at('/moved/attempts'),
    linked: at('/linked/attempts'),
    counted: at('/counted/attempts'),
    metadata: at('/metadata/attempts'),
  });
  await pipeline.placeFiles({ empty: '[]' });
  await pipeline.startWorker();
});

after(async () => {
  await pipeline.close();
  await platform.close();
});

test('a redirect to an address in UTF-8 is followed', async () => {
  platform.arm({
    kind: 'redirect',
    location: '/résultats/attempts?count=3&seed=22',
    path: '/moved/attempts',
  });
  const result = await (await pipeline.start({ source: 'moved' })).result();
  assert.deepEqual([result.outcome, result.rows['attempts']], ['landed', 3]);
  assert.equal(platform.requests.at(-1)?.path, '/r%C3%A9sultats/attempts');
});

test('no content (204) is an empty feed, each time', async () => {
  platform.arm({ kind: 'status', status: 204, times: 2, path: '/none/attempts' });
  const ends = async (source: string): Promise<unknown[]> => {
    const { outcome, content } = await (await pipeline.start({ source })).result();
    return [outcome, content?.records];
  };
  const empty = await ends('empty');
  assert.deepEqual(empty, ['nothing-new', 0]);
  assert.deepEqual(await ends('none'), empty);
  assert.deepEqual(await ends('none'), empty);
});

test('Retry-After is obeyed, whatever the status', async () => {
  const path = '/later/attempts';
  const statuses = [202, 403, 409, 425, 500];
  platform.arm(
    ...statuses.map((status) => ({ kind: 'status' as const, status, retryAfterSeconds: 1, path })),
  );
  const result = await (await pipeline.start({ source: 'later' })).result();
  assert.deepEqual([result.outcome, result.rows['attempts']], ['landed', 3]);
  const asked = platform.requests.filter((request) => request.path === path);
  assert.deepEqual(
    asked.map(({ status }) => status),
    [...statuses, 200],
  );
});

test('one page of several is rejected, naming the header', async () => {
  const link = '<https://customer.example/attempts?page=2>; rel="next"';
  platform.arm({ kind: 'header', name: 'Link', value: link, path: '/linked/attempts' });
  const linked = await waitingOf(pipeline, 'linked');
  assert.deepEqual([linked.code, linked.step], ['SOURCE_PAGED', 'fetch']);
  assert.match(linked.message, /one page of several.*: the header Link names a next page$/);
  platform.arm({ kind: 'header', name: 'X-Total-Count', value: '51', path: '/counted/attempts' });
  const counted = await waitingOf(pipeline, 'counted');
  assert.equal(counted.code, 'SOURCE_PAGED');
  assert.match(counted.message, /the content has 50 records of the 51 that the server’s headers count/);
});

test('a redirect to the metadata service of a cloud is rejected, naming the target', async () => {
  const location = 'http://169.254.169.254/latest/meta-data/';
  platform.arm({ kind: 'redirect', location, path: '/metadata/attempts' });
  const { code, message } = await waitingOf(pipeline, 'metadata');
  assert.equal(code, 'SOURCE_REFUSED');
  assert.match(
    message,
    /redirects to another host, 169\.254\.169\.254, which its redirectHosts do not name$/,
  );
});

test('verify finds no inconsistency afterwards', async () => {
  const { code, stdout, stderr } = await pipeline.command('verify');
  assert.equal(code, 0, stdout + stderr);
});
