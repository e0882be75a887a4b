import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import test, { after, before } from 'node:test';
import { acceptsGzip, selectionOf } from '../../simulator/ranges.ts';
import { RequestLog } from '../../simulator/requests.ts';
import { Spool, type SpooledBody } from '../../simulator/spool.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'platform-parts-'));
});

after(async () => {
  await rm(folder, { recursive: true });
});

/** Writes a text, and counts the calls. */
function writerOf(text: string) {
  const writer = {
    times: 0,
    write: (to: Writable) => {
      writer.times += 1;
      return new Promise<void>((resolve) =>
        to.end(text, () => {
          resolve();
        }),
      );
    },
  };
  return writer;
}

async function textOf(body: SpooledBody, start = 0, end = body.size): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body.read(start, end)) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('a body is written once for all requests, and has no name in the folder', async () => {
  const spool = new Spool(folder, 2);
  const writer = writerOf('a body of text');
  const bodies = await Promise.all([1, 2, 3].map(() => spool.take('key', writer.write)));
  assert.equal(writer.times, 1);
  assert.deepEqual(await Promise.all(bodies.map((body) => textOf(body, 2, 6))), ['body', 'body', 'body']);
  assert.deepEqual(await readdir(folder), []);
  await spool.close();
});

test('the most recently used bodies are kept, and others are written again', async () => {
  const spool = new Spool(folder, 2);
  const writers = new Map(['a', 'b', 'c'].map((key) => [key, writerOf(key)]));
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) {
    const body = await spool.take(key, writers.get(key)?.write ?? assert.fail());
    assert.equal(await textOf(body), key);
    body.release();
  }
  assert.deepEqual(
    [...writers.values()].map(({ times }) => times),
    [1, 2, 1],
  );
  await spool.close();
});

test('a body that is being read outlives its eviction', async () => {
  const spool = new Spool(folder, 1);
  const held = await spool.take('held', writerOf('held text').write);
  for (const key of ['x', 'y', 'z']) (await spool.take(key, writerOf(key).write)).release();
  assert.equal(await textOf(held), 'held text');
  held.release();
  await spool.close();
  await assert.rejects(textOf(held), /closed/);
});

test('a body that could not be written fails all waiting requests, and is retried for the next', async () => {
  const spool = new Spool(folder, 2);
  const failing = () => Promise.reject(new TypeError('no content'));
  const tries = await Promise.allSettled([spool.take('key', failing), spool.take('key', failing)]);
  assert.deepEqual(
    tries.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  const body = await spool.take('key', writerOf('now').write);
  assert.equal(await textOf(body), 'now');
  body.release();
  await spool.close();
});

test('a range longer than the content selects the whole content', () => {
  assert.deepEqual(selectionOf({ range: 'bytes=-500' }, '"tag"', 100), { kind: 'part', start: 0, end: 100 });
  assert.deepEqual(selectionOf({ range: 'bytes=0-500' }, '"tag"', 100), { kind: 'part', start: 0, end: 100 });
});

test('no range of an empty content is satisfiable', () => {
  assert.deepEqual(selectionOf({ range: 'bytes=0-' }, '"tag"', 0), { kind: 'unsatisfiable' });
  assert.deepEqual(selectionOf({ range: 'bytes=-0' }, '"tag"', 100), { kind: 'unsatisfiable' });
});

test('gzip is accepted when it is named, and not when its quality is zero', () => {
  for (const header of ['gzip', 'br, GZIP;q=0.5', '*']) assert.ok(acceptsGzip(header), header);
  for (const header of [undefined, '', 'br', 'gzip;q=0', 'gzip; q=0.000', 'xgzip'])
    assert.ok(!acceptsGzip(header), header);
});

test('the log keeps the last thousand requests, and counts them all', () => {
  const log = new RequestLog();
  const url = (at: number) => new URL(`http://127.0.0.1/attempts?count=${at}`);
  for (let at = 0; at < 1010; at += 1) log.sent(log.begin('GET', url(at), undefined), 2);
  assert.equal(log.last.length, 1000);
  assert.equal(log.last[0]?.query, 'count=10');
  assert.deepEqual(log.totals.get('/attempts'), { requests: 1010, bytes: 2020, ranges: 0 });
});
