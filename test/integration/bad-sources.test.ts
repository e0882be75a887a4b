import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, before, describe } from 'node:test';
import { bearerOf, fixedLogin } from '../../adapters/http/login.ts';
import { openHttp } from '../../adapters/http/source.ts';
import { PipelineError } from '../../model/errors.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline, codeOf, type TestWorker } from '../support/harness.ts';
import { waitingOf } from '../support/waiting.ts';

const GOOD = [...generateAttempts({ seed: 3, count: 3 })].map((attempt) => JSON.stringify(attempt));
const ARRAY = `[${GOOD.join(',')}]`;

/** Contents that are no JSON array, and what a run says of each. */
const CONTENTS: Record<string, { content: string | Buffer; says: RegExp; format?: string }> = {
  'a web page': {
    content: '<!doctype html><p>Sorry</p>',
    says: /begins with "<", as a web page or XML does/,
  },
  'a web page for lines': { content: '<html>', format: 'ndjson', says: /begins with "<"/ },
  'a trailing comma': { content: `[${GOOD[0] ?? ''},]`, says: /has a comma with no element beside it/ },
  'UTF-16': { content: Buffer.from(`\ufeff${ARRAY}`, 'utf16le'), says: /is not UTF-8; perhaps UTF-16/ },
  'two arrays': { content: `${ARRAY} ${ARRAY}`, says: /continues after the end of its JSON array/ },
};

/** An array, or a line, that begins with an attempt of 2 GB; most of it is sparse on the disk. */
async function placeLongRecord(file: string): Promise<void> {
  const handle = await open(file, 'w');
  await handle.write('[{"keen_id":"');
  await handle.truncate(2 ** 31);
  await handle.close();
}

const nameOf = (kind: string): string => kind.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

describe('a source that sends invalid content', () => {
  let pipeline: TestPipeline;
  let platform: Platform;
  let worker: TestWorker;

  before(async () => {
    platform = await startPlatform({ count: 50 });
    const other = await startPlatform({ count: 50 });
    platform.arm({ kind: 'redirect', location: `${other.url}/attempts`, path: '/redirected/attempts' });
    await other.close();
    const at = (path: string): { url: string } => ({ url: `${platform.url}${path}` });
    pipeline = await TestPipeline.create(
      {
        ...Object.fromEntries(
          Object.entries(CONTENTS).map(([kind, { format }]) => [
            nameOf(kind),
            { url: `file:${nameOf(kind)}`, format: format ?? 'json-array' },
          ]),
        ),
        mark: { url: 'file:mark' },
        long: { url: 'file:long' },
        longline: { url: 'file:long', format: 'ndjson' },
        mixed: { url: 'file:mixed' },
        refused: at('/attempts?fault=status&status=403'),
        redirected: at('/redirected/attempts'),
        endless: at('/attempts?fault=endless'),
      },
      { limits: { contentBytes: 80_000_000 } },
    );
    await pipeline.placeFiles({
      ...Object.fromEntries(Object.entries(CONTENTS).map(([kind, { content }]) => [nameOf(kind), content])),
      mark: `\ufeff${ARRAY}`,
      mixed: `[${GOOD[0] ?? ''}, 3, "text", null, {"keen_id":"x"}, {"a":tru}, ${GOOD[1] ?? ''}]`,
    });
    await placeLongRecord(join(pipeline.folder, 'long'));
    worker = await pipeline.startWorker();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  for (const [kind, { says }] of Object.entries(CONTENTS)) {
    test(`${kind}: nothing of it is published, and the run names its kind`, async () => {
      const { code, message, step } = await waitingOf(pipeline, nameOf(kind));
      assert.deepEqual([code, step], ['SOURCE_MALFORMED', 'fetch']);
      assert.match(message, says);
    });
  }

  for (const source of ['long', 'longline']) {
    test(`a record of 2 GB, in ${source === 'long' ? 'an array' : 'a line'}, is rejected before it fills the memory`, async () => {
      const { code, message } = await waitingOf(pipeline, source);
      assert.equal(code, 'SOURCE_MALFORMED');
      assert.match(message, /has a record of more than 67108864 bytes/);
      assert(worker.peakMemory() < 1_000_000_000, `the worker took ${worker.peakMemory()} bytes`);
    });
  }

  test('content with a byte order mark lands', async () => {
    const result = await (await pipeline.start({ source: 'mark' })).result();
    assert.deepEqual([result.outcome, result.rows['attempts']], ['landed', 3]);
  });

  test('of an array with elements that are not attempts, the attempts land and the others are quarantined with the reason', async () => {
    const result = await (await pipeline.start({ source: 'mixed' })).result();
    assert.equal(result.steps.transform.recordsIn, 7);
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine']], [2, 5]);
    const { stdout } = await pipeline.command(
      'query',
      '--json',
      `SELECT step, path, reason FROM quarantine WHERE source = 'mixed' ORDER BY reason`,
    );
    assert.deepEqual(JSON.parse(stdout), [
      { step: 'transform', path: 'started_at', reason: 'is missing' },
      { step: 'transform', path: '', reason: 'is not JSON' },
      { step: 'transform', path: '', reason: 'must be an object, is a number' },
      { step: 'transform', path: '', reason: 'must be an object, is a string' },
      { step: 'transform', path: '', reason: 'must be an object, is null' },
    ]);
  });

  test('a refused request is not retried, and the error says that it is permanent', async () => {
    const { code, message } = await waitingOf(pipeline, 'refused');
    assert.deepEqual(
      [code, message],
      ['SOURCE_REFUSED', 'source refused: the server answered 403 Forbidden'],
    );
  });

  test('a redirect to another host is not followed, since it would get the credentials', async () => {
    const { code, message } = await waitingOf(pipeline, 'redirected');
    assert.equal(code, 'SOURCE_REFUSED');
    assert.match(message, /redirects to another host, 127\.0\.0\.1:\d+/);
    assert.match(message, /\(the same name, but another port, \d+ in place of \d+\)/);
  });

  test('an endless body is stopped at the limit', async () => {
    const { code, message } = await waitingOf(pipeline, 'endless');
    assert.equal(code, 'SOURCE_TOO_LARGE');
    assert.match(message, /more than 80000000 bytes/);
  });

  test('verify finds no inconsistency afterwards', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });
});

describe('a redirect to another host', () => {
  let platform: Platform;
  let other: Server;
  const seen: IncomingHttpHeaders[] = [];

  before(async () => {
    platform = await startPlatform({ count: 5, token: 'a-secret' });
    other = createServer((request, response) => {
      seen.push(request.headers);
      response.end(ARRAY);
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
  });

  after(async () => {
    other.close();
    await platform.close();
  });

  async function follow(redirectHosts: readonly string[], location: string): Promise<string> {
    platform.arm({ kind: 'redirect', location });
    const { body } = await openHttp({
      url: `${platform.url}/attempts`,
      subject: 'source test',
      login: fixedLogin('the token of source test', () => bearerOf('a-secret')),
      resume: undefined,
      redirectHosts,
      signal: new AbortController().signal,
    });
    return text(body);
  }

  test('is followed if the settings name the host, which does not get the token', async () => {
    const host = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    assert.equal(await follow([host], `http://${host}/file`), ARRAY);
    assert.deepEqual(
      seen.map(({ authorization }) => authorization),
      [undefined],
    );
  });

  test('is rejected, naming the target, if that is another host or another scheme', async () => {
    assert.match(
      await codeOf(follow(['files.example.com'], 'http://files.example.com:81/')),
      /^SOURCE_REFUSED: .* redirects to another host, files\.example\.com:81, which its redirectHosts do not name$/,
    );
    assert.match(await codeOf(follow([''], 'file:///etc/passwd')), /redirects from http: to file:$/);
    assert.match(await codeOf(follow([], 'http://[')), /redirects to what is no address$/);
  });
});

describe('a server that stalls a download', () => {
  let platform: Platform;

  before(async () => {
    platform = await startPlatform({ count: 2000 });
  });

  after(() => platform.close());

  async function messageOf(
    path: string,
    timeouts: { idleMs: number; windowMs: number; minBytesPerSecond: number },
  ): Promise<string> {
    try {
      const signal = new AbortController().signal;
      const { body } = await openHttp({
        url: `${platform.url}${path}`,
        subject: 'source test',
        resume: undefined,
        redirectHosts: [],
        signal,
        timeouts,
      });
      for await (const bytes of body) assert(bytes.length > 0);
    } catch (error) {
      assert(error instanceof PipelineError && error.code === 'SOURCE_UNREACHABLE');
      return error.message;
    }
    return 'none';
  }

  test('without a byte is abandoned after its timeout', async () => {
    const timeouts = { idleMs: 300, windowMs: 60_000, minBytesPerSecond: 1 };
    assert.equal(
      await messageOf('/attempts?fault=stall', timeouts),
      'source test: the server sent nothing for 0.3 s',
    );
  });

  test('with a trickle of bytes is abandoned too', async () => {
    const timeouts = { idleMs: 5_000, windowMs: 500, minBytesPerSecond: 10_000 };
    assert.match(
      await messageOf('/attempts?fault=slow&bytesPerSecond=500', timeouts),
      /the server sent only \d+ bytes in 1 s/,
    );
  });

  test('that is slow but steady is waited for', async () => {
    const timeouts = { idleMs: 5_000, windowMs: 300, minBytesPerSecond: 10_000 };
    assert.equal(await messageOf('/attempts?count=300&fault=slow&bytesPerSecond=1000000', timeouts), 'none');
  });
});
