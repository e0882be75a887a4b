import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, before } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Platform, startPlatform } from '../../simulator/server.ts';

let folder: string;
let platform: Platform;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'platform-test-'));
  platform = await startPlatform({ seed: 5, count: 300, spoolFolder: folder });
});

afterEach(() => {
  platform.disarm();
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

/** Returns the bytes that arrive until the connection ends or fails. */
async function arrived(response: Response): Promise<{ readonly body: Buffer; readonly cut: boolean }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of response.body ?? []) parts.push(part as Uint8Array);
    return { body: Buffer.concat(parts), cut: false };
  } catch {
    return { body: Buffer.concat(parts), cut: true };
  }
}

test('a download that is cut again and again is resumed to the same bytes', async () => {
  const query = '?gzip=true';
  const whole = await bytes(await get(query));
  platform.arm(
    { kind: 'cut', bytes: 40_000, times: 2 },
    { kind: 'cut', bytes: 1 },
    { kind: 'cut', bytes: 0 },
  );
  let body = Buffer.alloc(0);
  let etag = '';
  let tries = 0;
  while (body.length < whole.length) {
    const resumed: Record<string, string> =
      body.length === 0 ? {} : { range: `bytes=${body.length}-`, 'if-range': etag };
    const response = await get(query, resumed);
    assert.equal(response.status, body.length === 0 ? 200 : 206);
    etag = response.headers.get('etag') ?? '';
    body = Buffer.concat([body, (await arrived(response)).body]);
    tries += 1;
  }
  assert.equal(tries, 5);
  const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');
  assert.equal(digest(body), digest(whole));
});

test('a cut comes after exactly the given number of bytes of the body', async () => {
  for (const count of [0, 1, 65_536, 100_001]) {
    platform.arm({ kind: 'cut', bytes: count });
    const { body, cut } = await arrived(await get());
    assert.equal(body.length, count);
    assert.ok(cut);
  }
});

test('content that changes has another tag and other bytes, and stays changed', async () => {
  const before = await get();
  const [etag, old] = [before.headers.get('etag') ?? '', await bytes(before)];
  platform.arm({ kind: 'changed' });
  const changed = await get('', { range: 'bytes=100-', 'if-range': etag });
  assert.equal(changed.status, 200);
  assert.notEqual(changed.headers.get('etag'), etag);
  const now = await bytes(changed);
  assert.ok(!now.subarray(0, 1000).equals(old.subarray(0, 1000)));
  assert.ok((await bytes(await get())).equals(now));
});

test('the platform responds with a status, 429, a web page or a redirect', async () => {
  platform.arm(
    { kind: 'status' },
    { kind: 'status', status: 503 },
    { kind: 'busy', retryAfterSeconds: 7 },
    { kind: 'html' },
    { kind: 'redirect', location: 'http://127.0.0.1:1/elsewhere' },
  );
  assert.equal((await get()).status, 500);
  assert.equal((await get()).status, 503);
  const busy = await get();
  assert.equal(busy.status, 429);
  assert.equal(busy.headers.get('retry-after'), '7');
  const page = await get();
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
  const moved = await get('', {}, { redirect: 'manual' });
  assert.equal(moved.status, 302);
  assert.equal(moved.headers.get('location'), 'http://127.0.0.1:1/elsewhere');
  assert.equal((await get()).status, 200);
});

test('content that is swapped sends a range of the new content, whatever If-Range says', async () => {
  for (const validator of ['strong', 'weak', 'recent', 'none']) {
    const query = `?validator=${validator}&seed=8`;
    const old = await bytes(await get(query));
    platform.arm({ kind: 'swapped' });
    const rest = await get(query, { range: 'bytes=100-', 'if-range': '"another"' });
    assert.equal(rest.status, 206);
    const now = await bytes(await get(query));
    assert.ok((await bytes(rest)).equals(now.subarray(100)) && !now.equals(old));
  }
});

test('the validators of a response are those of the request', async () => {
  const validators = async (kind: string): Promise<(string | null)[]> => {
    const { headers } = await get(`?validator=${kind}&count=1`);
    return [headers.get('etag'), headers.get('last-modified')];
  };
  assert.match((await validators('strong')).join(), /^"\w+",$/);
  assert.match((await validators('weak')).join(), /^W\/"\w+",Mon, 01 Jan 2018 00:00:00 GMT$/);
  assert.match((await validators('recent')).join(), /^,\w{3}, .* GMT$/);
  assert.deepEqual(await validators('none'), [null, null]);
});

test('a status has Retry-After, no body or an extra header as requested', async () => {
  platform.arm(
    { kind: 'status', status: 202, retryAfterSeconds: 3 },
    { kind: 'status', status: 204 },
    { kind: 'header', name: 'Link', value: '</?page=2>; rel=next' },
  );
  const later = await get();
  assert.deepEqual([later.status, later.headers.get('retry-after')], [202, '3']);
  const none = await get();
  assert.deepEqual([none.status, (await bytes(none)).length], [204, 0]);
  const page = await get();
  assert.deepEqual([page.status, page.headers.get('link')], [200, '</?page=2>; rel=next']);
});

test('a slow platform sends at its pace', async () => {
  const start = performance.now();
  const response = await get('?count=1&fault=slow&bytesPerSecond=10000');
  const { length } = await bytes(response);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(seconds > (0.8 * length) / 10_000, `${length} bytes in ${seconds} s`);
});

test('a stalled platform never answers', async () => {
  platform.arm({ kind: 'stall' });
  const signal = AbortSignal.timeout(200);
  await assert.rejects(get('', {}, { signal }), { name: 'TimeoutError' });
});

test('a truncated gzip is a complete response with half of the content', async () => {
  platform.arm({ kind: 'truncated-gzip' });
  const { body, cut } = await arrived(await get('?gzip=true'));
  assert.ok(!cut);
  assert.throws(() => gunzipSync(body), { code: 'Z_BUF_ERROR' });
});

test('an endless body continues until the client leaves', async () => {
  platform.arm({ kind: 'endless' });
  const response = await get('?format=ndjson');
  assert.equal(response.headers.get('content-length'), null);
  let read = 0;
  for await (const part of response.body ?? []) {
    read += (part as Uint8Array).length;
    if (read > 5_000_000) break;
  }
  assert.ok(read > 5_000_000);
});

test('faults are added, listed and removed over HTTP', async () => {
  const faults = `${platform.url}/faults`;
  const body = JSON.stringify([
    { kind: 'status', status: 502, times: 2, path: '/acme/attempts' },
    { kind: 'html' },
  ]);
  const armed = await fetch(faults, { method: 'POST', body });
  assert.equal(armed.status, 200);
  assert.equal((await fetch(`${platform.url}/acme/attempts`)).status, 502);
  assert.match((await get()).headers.get('content-type') ?? '', /html/);
  assert.equal((await get()).status, 200);
  assert.deepEqual(await (await fetch(faults)).json(), [
    { kind: 'status', status: 502, times: 1, path: '/acme/attempts' },
  ]);
  assert.deepEqual(await (await fetch(faults, { method: 'DELETE' })).json(), []);
  assert.equal((await fetch(`${platform.url}/acme/attempts`)).status, 200);
});

test('a fault in the request’s query comes each time, or the given number of times', async () => {
  for (let time = 0; time < 3; time += 1) assert.equal((await get('?fault=status&status=418')).status, 418);
  const statuses: number[] = [];
  for (let time = 0; time < 4; time += 1) statuses.push((await get('?fault=busy&times=2')).status);
  assert.deepEqual(statuses, [429, 429, 200, 200]);
});

test('requests are logged with their bytes, ranges and faults, and counted by path', async () => {
  const path = '/counted/attempts';
  const url = platform.url + path;
  const size = (await bytes(await fetch(url))).length;
  await bytes(await fetch(url, { headers: { range: 'bytes=0-99' } }));
  platform.arm({ kind: 'status', path });
  const failure = (await bytes(await fetch(`${url}?count=3`))).length;
  const logged = platform.requests.filter((request) => request.path === path);
  assert.deepEqual(logged, [
    {
      method: 'GET',
      path,
      query: '',
      range: undefined,
      status: 200,
      bytes: size,
      fault: undefined,
      finished: true,
    },
    {
      method: 'GET',
      path,
      query: '',
      range: 'bytes=0-99',
      status: 206,
      bytes: 100,
      fault: undefined,
      finished: true,
    },
    {
      method: 'GET',
      path,
      query: 'count=3',
      range: undefined,
      status: 500,
      bytes: failure,
      fault: 'status',
      finished: true,
    },
  ]);
  assert.deepEqual(platform.totals.get(path), { requests: 3, bytes: size + 100 + failure, ranges: 1 });
  const shown = (await (await fetch(`${platform.url}/requests`)).json()) as {
    totals: Record<string, unknown>;
  };
  assert.deepEqual(shown.totals[path], platform.totals.get(path));
});

test('closing ends stalled and endless answers at once and leaves no file', async () => {
  const closing = await startPlatform({ spoolFolder: folder });
  closing.arm({ kind: 'stall' }, { kind: 'endless' });
  const stalled = new Promise<string>((resolve) => {
    httpRequest(`${closing.url}/attempts`)
      .on('error', () => {
        resolve('ended');
      })
      .end();
  });
  while (closing.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const endless = await fetch(`${closing.url}/attempts`);
  const start = performance.now();
  const [, rest] = await Promise.all([closing.close(), arrived(endless)]);
  assert.ok(performance.now() - start < 1500);
  assert.ok(rest.cut);
  assert.equal(await stalled, 'ended');
  await assert.rejects(fetch(closing.url));
});
