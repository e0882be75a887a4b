import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import test, { after, before, describe } from 'node:test';
import { bearerOf, fixedLogin } from '../../adapters/http/login.ts';
import { openHttp, type HttpRequest } from '../../adapters/http/source.ts';
import { PipelineError } from '../../model/errors.ts';
import { codeOf } from '../support/harness.ts';
import { ScriptedServer, answer, requestTo } from '../support/scripted-server.ts';

const NOW = 'Mon, 05 Jan 2026 12:00:00 GMT';

let server: ScriptedServer;

before(async () => {
  server = await ScriptedServer.start();
});

after(() => server.close());

async function open(more: Partial<HttpRequest> = {}): Promise<string> {
  const { body } = await openHttp({ ...requestTo(server), ...more });
  return text(body);
}

/** Returns the error of a status: its code, and the seconds until its retry. */
async function errorOf(
  status: number,
  headers: OutgoingHttpHeaders = {},
): Promise<readonly [string, number | null]> {
  server.script(answer(status, headers));
  try {
    await open();
  } catch (error) {
    assert(error instanceof PipelineError);
    const { code, retryAfterMs } = error;
    return [code, retryAfterMs === undefined ? null : retryAfterMs / 1000];
  }
  return ['none', null];
}

describe('a status without content', () => {
  test('with Retry-After is retried after that time', async () => {
    const statuses = [202, 400, 403, 404, 408, 409, 413, 423, 425, 429, 500, 501, 502, 503, 504, 520, 599];
    for (const status of statuses)
      assert.deepEqual(await errorOf(status, { 'retry-after': '7' }), ['SOURCE_BUSY', 7], String(status));
  });

  test('without Retry-After is retried or not by its meaning', async () => {
    for (const status of [202, 425, 429]) assert.deepEqual(await errorOf(status), ['SOURCE_BUSY', null]);
    for (const status of [408, 500, 502, 503, 504])
      assert.deepEqual(await errorOf(status), ['SOURCE_UNREACHABLE', null]);
    for (const status of [203, 304, 400, 401, 403, 404, 409, 410, 416])
      assert.deepEqual(await errorOf(status), ['SOURCE_REFUSED', null], String(status));
  });

  test('has its Retry-After read by the server’s own clock, in each date format', async () => {
    for (const until of [
      'Mon, 05 Jan 2026 12:00:30 GMT',
      'Monday, 05-Jan-26 12:00:30 GMT',
      'Mon Jan  5 12:00:30 2026',
    ])
      assert.deepEqual(await errorOf(503, { date: NOW, 'retry-after': until }), ['SOURCE_BUSY', 30], until);
    assert.deepEqual(await errorOf(503, { date: NOW, 'retry-after': NOW }), ['SOURCE_BUSY', 0]);
    assert.deepEqual(await errorOf(503, { date: NOW, 'retry-after': 'Mon, 05 Jan 2026 11:00:00 GMT' }), [
      'SOURCE_BUSY',
      0,
    ]);
    const soon = new Date(Date.now() + 60_000).toUTCString();
    const [code, seconds] = await errorOf(429, { date: 'unknown', 'retry-after': soon });
    assert(code === 'SOURCE_BUSY' && seconds !== null && seconds > 50 && seconds <= 60);
  });

  test('is retried after a quarter of an hour at most, and an invalid Retry-After is ignored', async () => {
    for (const long of ['86400', '9'.repeat(400), 'Fri, 01 Jan 2100 00:00:00 GMT'])
      assert.deepEqual(await errorOf(503, { 'retry-after': long }), ['SOURCE_BUSY', 900]);
    for (const none of ['soon', '-1', '1.5', '2026-01-05', ''])
      assert.deepEqual(await errorOf(403, { 'retry-after': none }), ['SOURCE_REFUSED', null], none);
  });

  test('is quoted with few of the server’s own words', async () => {
    server.script((response) => response.writeHead(400, 'w'.repeat(5000)).end());
    assert.match(await codeOf(open()), /^SOURCE_REFUSED: source test: the server answered 400 w{200}…$/);
    server.script(answer(202, {}));
    assert.match(await codeOf(open()), /answered 202 Accepted; the content is not there yet$/);
  });

  test('such as 204 is empty content', async () => {
    for (const status of [204, 205]) {
      server.script(answer(status, {}));
      const content = await openHttp(requestTo(server));
      assert.deepEqual([content.hasNoContent, await text(content.body)], [true, '']);
    }
  });
});

describe('a reader that is slower than the server’s timeout', () => {
  test('gets the whole content', async () => {
    const timeouts = { idleMs: 1_500, windowMs: 100, minBytesPerSecond: 40_000 };
    const content = 'x'.repeat(8 << 20);
    server.script(answer(200, { 'content-length': content.length }, content));
    const { body } = await openHttp({ ...requestTo(server), timeouts });
    let bytes = 0;
    for await (const piece of body) {
      if (bytes === 0) await setTimeout(2 * timeouts.idleMs);
      bytes += piece.length;
    }
    assert.equal(bytes, content.length);
  });
});

describe('a redirect', () => {
  async function urlsAfter(location: string): Promise<string[]> {
    server.script(
      (response) => {
        // As bytes, since Node sends each character of a header as one byte.
        response.writeHead(302, { location: Buffer.from(location).toString('latin1') }).end();
      },
      answer(200, {}, '[]'),
    );
    assert.equal(await open(), '[]');
    return server.requests.map(({ url }) => url);
  }

  test('with a Location in UTF-8 is followed', async () => {
    assert.deepEqual(
      (await urlsAfter('/résultats/試験.json?q=é'))[1],
      '/r%C3%A9sultats/%E8%A9%A6%E9%A8%93.json?q=%C3%A9',
    );
    assert.deepEqual((await urlsAfter('/r%C3%A9sultats'))[1], '/r%C3%A9sultats');
    assert.deepEqual((await urlsAfter('😀 file'))[1], '/%F0%9F%98%80%20file');
  });

  test('with a Location in another encoding is followed by its bytes', async () => {
    server.script(answer(302, { location: '/r\xe9sultats' }), answer(200, {}, '[]'));
    await open();
    assert.equal(server.requests[1]?.url, '/r%E9sultats');
  });

  test('to another scheme, port or host is refused, naming the difference', async () => {
    const refusals: Record<string, RegExp> = {
      [`https://127.0.0.1:${server.port}/`]:
        /another host, .* \(the same name, but another scheme, https: in place of http:\)/,
      'http://127.0.0.1:1/':
        /to another host, 127\.0\.0\.1:1 \(the same name, but another port, 1 in place of \d+\), which/,
      'https://127.0.0.1/':
        /another scheme, https: in place of http: and another port, 443 in place of \d+\), which/,
      '//other.example:81/a': /to another host, other\.example:81, which its redirectHosts do not name$/,
      'ftp://127.0.0.1/': /redirects from http: to ftp:$/,
    };
    for (const [location, says] of Object.entries(refusals)) {
      server.script(answer(302, { location }));
      assert.match(await codeOf(open()), says, location);
    }
  });

  test('is followed to a host that the settings name with or without its port', async () => {
    const other = await ScriptedServer.start();
    other.script(answer(200, {}, '[]'));
    try {
      server.script(answer(307, { location: other.url }));
      assert.equal(await open({ redirectHosts: [`127.0.0.1:${other.port}`] }), '[]');
      assert.match(await codeOf(open({ redirectHosts: ['127.0.0.1'] })), /^SOURCE_REFUSED: /);
    } finally {
      await other.close();
    }
    server.script(answer(302, { location: 'http://127.0.0.1:80/' }));
    assert.match(
      await codeOf(open({ redirectHosts: ['127.0.0.1:80'] })),
      /^SOURCE_UNREACHABLE: .*ECONNREFUSED/,
    );
  });

  test('with a user or password is refused, and they are not shown', async () => {
    server.script(answer(302, { location: server.url.replace('//', '//user:secret@') }));
    const said = await codeOf(open());
    assert.match(
      said,
      /^SOURCE_REFUSED: source test: the server redirects to an address with a user or password$/,
    );
  });

  test('to a link-local address is refused even where its host is named, as is a source there', async () => {
    server.script(answer(302, { location: 'http://169.254.169.254/latest/meta-data/' }));
    assert.match(
      await codeOf(open({ redirectHosts: ['169.254.169.254'] })),
      /^SOURCE_REFUSED: .* 169\.254\.169\.254 \(link-local\)/,
    );
    for (const url of ['http://169.254.169.254/', 'http://[fe80::1]/', 'http://[::ffff:a9fe:a9fe]/'])
      assert.match(
        await codeOf(open({ url })),
        /^SOURCE_REFUSED: source test: a link-local address is refused: /,
      );
  });
});

describe('a token', () => {
  test('is sent without TLS only to this host, unless the settings allow more', async () => {
    server.script(answer(200, {}, '[]'));
    const login = fixedLogin('the token of source test', () => bearerOf('a-secret'));
    for (const host of ['127.0.0.1', 'localhost'])
      await open({ login, url: `http://${host}:${server.port}/` });
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer a-secret', 'Bearer a-secret'],
    );
    const said = await codeOf(open({ login, url: 'http://customer.example/' }));
    assert.match(
      said,
      /^SETTINGS_INVALID: the token of source test would be sent to customer\.example without TLS/,
    );
    assert.doesNotMatch(said, /a-secret/);
    const allowed = await codeOf(open({ login, allowCleartext: true, url: 'http://nobody.invalid/' }));
    assert.match(allowed, /^SOURCE_UNREACHABLE: /);
  });
});
