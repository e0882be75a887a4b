import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PipelineError } from '../../model/errors.ts';
import { generateAttempts, type FeedAttempt } from '../../simulator/generator.ts';
import { type Platform, startPlatform } from '../../simulator/server.ts';

let folder: string;
let platform: Platform;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'platform-test-'));
  platform = await startPlatform({ seed: 5, count: 300, spoolFolder: folder });
});

after(async () => {
  await platform.close();
  await rm(folder, { recursive: true });
});

const get = (query = '', headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(`${platform.url}/attempts${query}`, { ...init, headers });

async function bytes(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

const expected = [...generateAttempts({ seed: 5, count: 300 })];

test('attempts are one JSON array or NDJSON', async () => {
  const array = await get();
  assert.equal(array.headers.get('content-type'), 'application/json');
  assert.deepEqual(await array.json(), expected);
  const lines = await get('?format=ndjson&spacing=compact');
  assert.equal(lines.headers.get('content-type'), 'application/x-ndjson');
  const text = await lines.text();
  assert.deepEqual(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    expected,
  );
});

test('a request chooses the seed, the count and the interval of the start', async () => {
  const query = '?seed=9&count=2000&from=2017-12-01&to=2017-12-08T12:00:00Z';
  const between = (await (await get(query)).json()) as FeedAttempt[];
  assert.deepEqual(
    between,
    [...generateAttempts({ seed: 9, count: 2000 })].filter(
      ({ started_at }) => started_at >= '2017-12-01' && started_at < '2017-12-08T12:00:00.000Z',
    ),
  );
  assert.ok(between.length > 100);
  const later = (await (await get('?since=2026-01-05&count=5')).json()) as FeedAttempt[];
  assert.ok(later.every(({ started_at }) => started_at.startsWith('2026-')));
});

test('a .gz file has no Content-Encoding, and gzip coding is only for clients that accept it', async () => {
  const file = await get('?gzip=true');
  assert.equal(file.headers.get('content-type'), 'application/gzip');
  assert.equal(file.headers.get('content-encoding'), null);
  assert.deepEqual(JSON.parse(gunzipSync(await bytes(file)).toString()), expected);
  const encoded = await get('?encoding=gzip', { 'accept-encoding': 'gzip' });
  assert.equal(encoded.headers.get('content-encoding'), 'gzip');
  assert.equal(encoded.headers.get('content-type'), 'application/json');
  assert.deepEqual(await encoded.json(), expected);
  for (const accept of ['identity', 'gzip;q=0']) {
    const plain = await get('?encoding=gzip', { 'accept-encoding': accept });
    assert.equal(plain.headers.get('content-encoding'), null);
    assert.notEqual(plain.headers.get('etag'), encoded.headers.get('etag'));
    assert.deepEqual(await plain.json(), expected);
  }
});

test('the entity tag is strong and unique to a content', async () => {
  const tags = new Set<string>();
  for (const query of [
    '',
    '?seed=6',
    '?count=301',
    '?format=ndjson',
    '?spacing=compact',
    '?gzip=true',
    '?to=2018-01-01',
  ]) {
    const [first, second] = [await get(query, {}, { method: 'HEAD' }), await get(query)];
    const tag = first.headers.get('etag') ?? '';
    assert.match(tag, /^"[0-9a-f]{32}"$/);
    assert.equal(second.headers.get('etag'), tag);
    assert.equal((await bytes(second)).length, Number(first.headers.get('content-length')));
    tags.add(tag);
  }
  assert.equal(tags.size, 7);
});

test('content that If-None-Match names is not sent', async () => {
  const whole = await get();
  const etag = whole.headers.get('etag') ?? '';
  await bytes(whole);
  for (const known of [etag, `"other", ${etag}`, '*', `W/${etag}`]) {
    const answer = await get('', { 'if-none-match': known });
    assert.equal(answer.status, 304);
    assert.equal(answer.headers.get('etag'), etag);
    assert.equal((await bytes(answer)).length, 0);
  }
  assert.equal((await get('', { 'if-none-match': '"other"' })).status, 200);
});

test('a range is that slice of the whole', async () => {
  for (const query of ['', '?gzip=true', '?format=ndjson']) {
    const whole = await bytes(await get(query));
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-70000', 1000, 70_001],
      [`bytes=${whole.length - 7}-`, whole.length - 7, whole.length],
      ['bytes=-5', whole.length - 5, whole.length],
      [`bytes=10-${whole.length + 99}`, 10, whole.length],
    ] as const) {
      const part = await get(query, { range });
      assert.equal(part.status, 206);
      assert.equal(
        part.headers.get('content-range'),
        `bytes ${start}-${Math.min(end, whole.length) - 1}/${whole.length}`,
      );
      assert.ok((await bytes(part)).equals(whole.subarray(start, end)), `${range} of ${query}`);
    }
  }
});

test('a range that begins past the end is refused, and a malformed one is ignored', async () => {
  const size = (await bytes(await get())).length;
  const past = await get('', { range: `bytes=${size}-` });
  assert.equal(past.status, 416);
  assert.equal(past.headers.get('content-range'), `bytes */${size}`);
  for (const range of ['bytes=5-2', 'bytes=-', 'lines=0-1', 'bytes=0-1,4-5']) {
    assert.equal((await get('', { range })).status, 200, range);
  }
});

test('a range with an If-Range of other content returns the whole new content', async () => {
  const etag = (await get()).headers.get('etag') ?? '';
  const range = 'bytes=100-199';
  assert.equal((await get('', { range, 'if-range': etag })).status, 206);
  for (const other of ['"other"', `W/${etag}`, 'Sun, 06 Nov 1994 08:49:37 GMT']) {
    const whole = await get('', { range, 'if-range': other });
    assert.equal(whole.status, 200);
    assert.deepEqual(await whole.json(), expected);
  }
});

test('an invalid query is refused with the parameter, its value and what is allowed', async () => {
  for (const [query, parameter, value, allowed] of [
    ['?format=xml', 'format', 'xml', /json-array or ndjson/],
    ['?count=-1', 'count', '-1', /integer from 0/],
    ['?seed=1e3', 'seed', '1e3', /integer/],
    ['?from=yesterday', 'from', 'yesterday', /2018-01-31/],
    ['?from=2018-02-31', 'from', '2018-02-31', /2018-01-31/],
    ['?from=2018-01-02&to=2018-01-01', 'to', '2018-01-01', /after/],
    ['?gzip=yes', 'gzip', 'yes', /true or false/],
    ['?limit=3', 'limit', '3', /format, .*seed/],
    ['?seed=1&seed=2', 'seed', '1', /one value/],
    ['?fault=fire', 'fault', 'fire', /cut, status/],
    ['?fault=cut&bytes=many', 'bytes', 'many', /integer from 0/],
    ['?fault=stall&bytes=5', 'bytes', '5', /left out/],
    ['?bytes=5', 'bytes', '5', /fault/],
  ] as const) {
    const answer = await get(query);
    assert.equal(answer.status, 400, query);
    const said = (await answer.json()) as Record<string, string>;
    assert.deepEqual([said['parameter'], said['value']], [parameter, value]);
    assert.match(said['allowed'] ?? '', allowed);
  }
  for (const body of ['{', '[{"kind":"cut"}]', '"cut"']) {
    assert.equal((await fetch(`${platform.url}/faults`, { method: 'POST', body })).status, 400, body);
  }
  assert.throws(
    () => {
      platform.arm({ kind: 'slow', bytesPerSecond: 0 });
    },
    { name: 'PipelineError', code: 'SETTINGS_INVALID' },
  );
});

test('other paths and methods are refused', async () => {
  assert.equal((await fetch(`${platform.url}/nothing`)).status, 404);
  const posted = await get('', {}, { method: 'POST' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
});

test('the right token is required', async () => {
  const guarded = await startPlatform({ token: 's3cret', count: 3, spoolFolder: folder });
  try {
    const status = async (headers: Record<string, string>, path = '/attempts') =>
      (await fetch(guarded.url + path, { headers })).status;
    for (const authorization of [
      '',
      'Bearer',
      'Bearer wrong',
      'Basic s3cret',
      'Bearer s3cre',
      'Bearer s3cret2',
    ]) {
      assert.equal(await status({ authorization }), 401, authorization);
    }
    const refused = await fetch(`${guarded.url}/attempts`);
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="attempts"');
    assert.equal(await status({}, '/faults'), 401);
    assert.equal(await status({}, '/health'), 200);
    assert.equal(await status({ authorization: 'Bearer s3cret' }), 200);
  } finally {
    await guarded.close();
  }
});

test('a file is served decoded or encoded as requested, and with another tag when it is replaced', async () => {
  const content = Buffer.from(`${JSON.stringify(expected)}\n`);
  for (const [name, stored] of [
    ['plain.json', content],
    ['zipped.json.gz', gzipSync(content)],
  ] as const) {
    const path = join(folder, name);
    await writeFile(path, stored);
    const served = await startPlatform({ file: path, spoolFolder: folder });
    try {
      const fetched = async (query: string) => fetch(`${served.url}/attempts${query}`);
      const plain = await fetched('');
      assert.ok((await bytes(plain)).equals(content));
      const zipped = await bytes(await fetched('?gzip=true'));
      assert.ok(gunzipSync(zipped).equals(content));
      if (name === 'zipped.json.gz') assert.ok(zipped.equals(stored), 'the file as it is');
      assert.equal((await fetched('?seed=1')).status, 400);
      served.arm({ kind: 'changed' });
      const changed = await bytes(await fetched(''));
      assert.equal(changed.length, content.length + 1);
      assert.deepEqual(JSON.parse(changed.toString()), expected);
      assert.deepEqual(gunzipSync(await bytes(await fetched('?gzip=true'))), changed);
      await writeFile(path, '[]\n');
      const replaced = await fetched('');
      assert.notEqual(replaced.headers.get('etag'), plain.headers.get('etag'));
      assert.equal(await replaced.text(), '\n[]\n');
    } finally {
      await served.close();
    }
  }
});

test('a platform that cannot start reports why', async () => {
  const failed = (code: string, named: RegExp) => (thrown: unknown) =>
    thrown instanceof PipelineError && thrown.code === code && named.test(thrown.message);
  await assert.rejects(
    startPlatform({ file: join(folder, 'none.json') }),
    failed('SETTINGS_INVALID', /none\.json/),
  );
  const port = Number(new URL(platform.url).port);
  await assert.rejects(startPlatform({ port }), failed('SERVICE_PORT_TAKEN', new RegExp(String(port))));
});

test('concurrent requests for more bodies than are kept all complete', async () => {
  const sizes = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const query = `?count=${50 + (at % 8)}`;
      const body = await bytes(await get(query));
      assert.equal((JSON.parse(body.toString()) as unknown[]).length, 50 + (at % 8));
      return body.length;
    }),
  );
  assert.equal(new Set(sizes).size, 8);
});
