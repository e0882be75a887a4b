import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, before, beforeEach, describe } from 'node:test';
import { openHttp } from '../../adapters/http/source.ts';
import { sourceWith, type SourceSettings } from '../../model/settings.ts';
import { accessOf } from '../../steps/source/address.ts';
import { codeOf } from '../support/harness.ts';
import { ScriptedServer, answer } from '../support/scripted-server.ts';

type Input = Parameters<typeof sourceWith>[0];

const SECRET = 'a-secret-of-a-customer';

let server: ScriptedServer;
let other: ScriptedServer;
let folder: string;
let secretFile: string;

before(async () => {
  server = await ScriptedServer.start();
  other = await ScriptedServer.start();
  folder = await mkdtemp(join(tmpdir(), 'feed-logins-'));
  secretFile = join(folder, 'secret');
});

beforeEach(async () => {
  await writeFile(secretFile, `${SECRET}\n`);
  server.script(answer(200, {}, '[]'));
  other.script(answer(200, {}, '[]'));
});

after(async () => {
  await server.close();
  await other.close();
  await rm(folder, { recursive: true });
});

function sourceOf(more: Partial<Input>): SourceSettings {
  return sourceWith({ topic: 't', url: `${server.url}/attempts?a=1`, ...more });
}

async function open(source: SourceSettings): Promise<string> {
  const { signal } = new AbortController();
  const { body } = await openHttp({ ...accessOf({ source: 'test' }, source), resume: undefined, signal });
  return text(body);
}

const LOGINS: Readonly<Record<string, NonNullable<Input['auth']>>> = {
  basic: { type: 'basic', user: 'ada', passwordFile: '' },
  'a key in a header': { type: 'api-key', header: 'X-Api-Key', keyFile: '' },
  'a key in the query': { type: 'api-key', query: 'key', keyFile: '' },
};

/** Returns a source whose secret is in the file. */
function withLogin(name: string, more: Partial<Input> = {}): SourceSettings {
  const { type, ...others } = LOGINS[name] ?? { type: 'basic' };
  const place = type === 'basic' ? { passwordFile: secretFile } : { keyFile: secretFile };
  return sourceOf({ ...more, auth: { type, ...others, ...place } });
}

/** Returns what a server got of a secret: in the headers, and in the query. */
function sentTo({ requests }: ScriptedServer): string {
  return requests
    .map(({ url, headers }) => `${url} ${headers.authorization ?? ''} ${String(headers['x-api-key'] ?? '')}`)
    .join('\n');
}

/** Returns what a login sends for a secret. */
function expectedOf(name: string, secret: string): string {
  return name === 'basic' ? Buffer.from(`ada:${secret}`).toString('base64') : secret;
}

describe('a login', () => {
  for (const name of Object.keys(LOGINS)) {
    test(`by ${name} reads its secret again from its file at each request`, async () => {
      const source = withLogin(name);
      for (const secret of [SECRET, 'rotated']) {
        await writeFile(secretFile, `${secret}\n`);
        server.script(answer(200, {}, '[]'));
        assert.equal(await open(source), '[]');
        assert.ok(sentTo(server).includes(expectedOf(name, secret)), sentTo(server));
      }
    });

    test(`by ${name} is in no error, and goes to no other host`, async () => {
      for (const status of [401, 403, 500]) {
        server.script(answer(status, {}));
        const fault = await codeOf(open(withLogin(name)));
        assert.match(fault, new RegExp(`the server answered ${status}`));
        for (const secret of [SECRET, expectedOf(name, SECRET)]) assert.ok(!fault.includes(secret), fault);
      }
      server.script(answer(302, { location: `${other.url}/attempts` }));
      assert.equal(await open(withLogin(name, { redirectHosts: [new URL(other.url).host] })), '[]');
      assert.equal(other.requests.length, 1);
      assert.ok(!sentTo(other).includes(expectedOf(name, SECRET)));
      server.script(answer(302, { location: `${other.url}/attempts` }));
      other.script(answer(200, {}, '[]'));
      const refusal = await codeOf(open(withLogin(name)));
      assert.match(refusal, /^SOURCE_REFUSED: .*redirects to another host/);
      assert.ok(!refusal.includes(SECRET));
      assert.equal(other.requests.length, 0);
    });
  }

  test('by OAuth 2.0 says that its second step failed, when the source’s server refuses a token', async () => {
    const token = JSON.stringify({ access_token: SECRET, token_type: 'Bearer' });
    for (const status of [401, 403]) {
      other.script(answer(200, {}, token));
      server.script(answer(status, {}));
      const source = sourceOf({
        auth: {
          type: 'oauth2',
          tokenUrl: `${other.url}/token/${status}`,
          clientId: 'client',
          clientSecretFile: secretFile,
        },
      });
      const fault = await codeOf(open(source));
      assert.match(fault, /^SOURCE_REFUSED: source test: the login failed at its second step, a request to /);
      assert.match(fault, new RegExp(`with the token of source test: the server answered ${status}`));
      assert.ok(!fault.includes(SECRET));
      // A token that is refused with 401 is renewed once.
      assert.deepEqual([server.requests.length, other.requests.length], status === 401 ? [2, 2] : [1, 1]);
      server.script(answer(status, { 'retry-after': '1' }));
      assert.doesNotMatch(await codeOf(open(source)), /second step/);
    }
  });
});

describe('a POST request', () => {
  const POST = { request: { method: 'POST', body: { a: 1 } } } as const;

  test('is not turned into a GET by a redirect, and goes to no other host', async () => {
    for (const status of [301, 302, 303]) {
      server.script(answer(status, { location: '/moved' }));
      const fault = await codeOf(open(sourceOf(POST)));
      assert.match(fault, new RegExp(`redirects a POST request with ${status}, not with 307 or 308`));
    }
    server.script(answer(307, { location: `${other.url}/moved` }));
    const redirectHosts = [new URL(other.url).host];
    assert.match(
      await codeOf(open(sourceOf({ ...POST, redirectHosts }))),
      /POST request would go to another/,
    );
    assert.equal(other.requests.length, 0);
  });

  test('is sent again by 307 and 308, with its body', async () => {
    for (const status of [307, 308]) {
      const bodies: Promise<string>[] = [];
      server.script(answer(status, { location: '/moved' }), (response, request) => {
        bodies.push(text(request));
        response.end('[]');
      });
      assert.equal(await open(sourceOf(POST)), '[]');
      assert.deepEqual(await Promise.all(bodies), ['{"a":1}']);
    }
  });
});

test('the headers about rate limits are read in each of their forms', async () => {
  const at = { date: 'Mon, 05 Jan 2026 12:00:00 GMT' };
  const untilEpoch = String(Date.parse('2026-01-05T12:00:30Z') / 1000);
  const { signal } = new AbortController();
  for (const [headers, pauseMs] of [
    [{ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '7' }, 7_000],
    [{ 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': untilEpoch }, 30_000],
    [{ RateLimit: '"default";r=0;t=9' }, 9_000],
    [{ RateLimit: '"default";r=1;t=9' }, 0],
    [{ 'X-RateLimit-Remaining': '5', 'X-RateLimit-Reset': '7' }, 0],
    [{ 'X-RateLimit-Remaining': '0' }, 0],
    [{ 'X-RateLimit-Remaining': 'none', 'X-RateLimit-Reset': '7' }, 0],
    [{ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '999999' }, 900_000],
  ] as const) {
    server.script(answer(200, { ...at, ...headers }, '[]'));
    const access = accessOf({ source: 'test' }, sourceOf({}));
    const content = await openHttp({ ...access, resume: undefined, signal });
    assert.equal(content.pauseMs, pauseMs, JSON.stringify(headers));
    await text(content.body);
  }
});
