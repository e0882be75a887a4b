import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, beforeEach, describe } from 'node:test';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError } from '../../model/errors.ts';
import { parseSettings, sourceWith } from '../../model/settings.ts';
import { writePages } from '../../steps/source/write-pages.ts';
import { goodAttempts } from '../support/quarantined.ts';
import { ScriptedServer, answer } from '../support/scripted-server.ts';

const KEY = 'a-key-of-a-customer';
const VARIABLE = 'PAGE_LINKS_KEY';
const CONTROLS = '\u001b[31m\u0000\r\nx: y\u0085\u202e';

let server: ScriptedServer;
let other: ScriptedServer;
let folder: string;
let staging: Staging;
let runs = 0;

before(async () => {
  process.env[VARIABLE] = KEY;
  server = await ScriptedServer.start();
  other = await ScriptedServer.start();
  folder = await mkdtemp(join(tmpdir(), 'page-links-'));
  staging = await Staging.open(join(folder, 'staging'), 2 ** 30);
});

beforeEach(() => {
  other.script(page({}, 2));
});

after(async () => {
  await server.close();
  await other.close();
  await rm(folder, { recursive: true });
});

/** Answers a page of two records, which no other page has. */
function page(members: Readonly<Record<string, unknown>>, number: number): ReturnType<typeof answer> {
  return answer(200, {}, JSON.stringify({ items: goodAttempts(2 * number, 2), ...members }));
}

/** Reads all pages; returns the number of records, or the error. */
async function readPages(more: Partial<Parameters<typeof sourceWith>[0]>): Promise<number | string> {
  runs += 1;
  const execution = { workflowId: 'w', runId: String(runs) };
  const run = { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 };
  const source = sourceWith({
    topic: 't',
    url: `${server.url}/attempts`,
    records: 'items',
    auth: { type: 'api-key', header: 'x-api-key', keyVariable: VARIABLE },
    ...more,
  });
  const { paging } = source;
  assert(paging !== undefined);
  const settings = parseSettings('sources: {}', 'test.yaml');
  const deps = { settings, staging, own: RunStaging.of(staging, execution) };
  try {
    return (await writePages(deps, run, { source: 'test' }, { ...source, paging })).writer.records;
  } catch (error) {
    assert(error instanceof PipelineError, String(error));
    return `${error.code}: ${error.message}`;
  }
}

describe('a link to the next page', () => {
  const LINK = { paging: { style: 'link', next: 'next' } } as const;

  test('to another host is refused as a redirect is', async () => {
    server.script(page({ next: `${other.url}/2` }, 1));
    assert.match(String(await readPages(LINK)), /^SOURCE_REFUSED: .*links its next page to another host/);
    assert.equal(other.requests.length, 0);
  });

  test('to a host of redirectHosts is followed without the login', async () => {
    server.script(page({ next: `${other.url}/2` }, 1));
    assert.equal(await readPages({ ...LINK, redirectHosts: [new URL(other.url).host] }), 4);
    assert.equal(server.requests[0]?.headers['x-api-key'], KEY);
    assert.equal(other.requests.length, 1);
    assert.ok(!JSON.stringify(other.requests).includes(KEY));
  });

  test('with control characters is requested percent-encoded, and adds no header', async () => {
    server.script(page({ next: `/2?a=${CONTROLS}` }, 1), page({}, 2));
    assert.equal(await readPages(LINK), 4);
    const { url = '', headers } = server.requests[1] ?? {};
    assert.match(url, /^\/2\?a=%1B\[31m%00x:%20y%C2%85%E2%80%AE$/);
    assert.equal(headers?.['x'], undefined);
  });

  test('with control characters in its host is refused, and the error shows none', async () => {
    for (const next of [`http://a${CONTROLS}b/`, `http://other.example/${CONTROLS}`, `//${CONTROLS}`]) {
      server.script(page({ next }, 1));
      const fault = String(await readPages(LINK));
      assert.match(fault, /^SOURCE_REFUSED: /);
      assert.doesNotMatch(fault, /\p{Cc}|\u202e/u);
    }
  });
});

describe('a cursor with control characters', () => {
  const cursorIn = (request: object): Parameters<typeof readPages>[0] => ({
    paging: { style: 'cursor', cursor: 'next' },
    request,
  });

  test('is encoded in the query and in the body', async () => {
    server.script(page({ next: CONTROLS }, 1), page({}, 2));
    assert.equal(await readPages(cursorIn({ query: { c: '{cursor}' } })), 4);
    const { url = '' } = server.requests[1] ?? {};
    assert.equal(new URL(url, server.url).searchParams.get('c'), CONTROLS);
    assert.doesNotMatch(url, /\p{Cc}/u);
    server.script(page({ next: CONTROLS }, 1), page({}, 2));
    assert.equal(await readPages(cursorIn({ method: 'POST', body: { c: '{cursor}' } })), 4);
  });

  test('is refused in a header, and the error does not show it', async () => {
    server.script(page({ next: CONTROLS }, 1));
    const fault = String(await readPages(cursorIn({ headers: { 'X-Cursor': '{cursor}' } })));
    assert.match(
      fault,
      /^SOURCE_PAGED: source test: the header x-cursor cannot have the value of this page$/,
    );
    assert.equal(server.requests.length, 1);
  });
});

test('an error in place of a page shows no control characters of the server', async () => {
  const paging = { style: 'link', next: 'next' } as const;
  for (const body of [
    { error: CONTROLS },
    { [CONTROLS]: CONTROLS },
    { items: CONTROLS },
    { items: [], next: { [CONTROLS]: 1 } },
  ]) {
    server.script(answer(200, {}, JSON.stringify(body)));
    const fault = String(await readPages({ paging }));
    assert.match(fault, /^SOURCE_/);
    assert.doesNotMatch(fault, /\p{Cc}|\u202e/u);
  }
  server.script((response) => response.writeHead(400, 'a\u009b31m').end());
  assert.match(String(await readPages({ paging })), /the server answered 400 a\\x9b31m$/);
});

test('a last page with null in place of its records ends the pages', async () => {
  server.script(page({}, 1), answer(200, {}, '{"items":null}'));
  assert.equal(await readPages({ paging: { style: 'page', parameter: 'page' } }), 2);
  server.script(page({ next: 'b' }, 1), answer(200, {}, '{"items":null,"next":"c"}'));
  assert.match(
    String(await readPages({ paging: { style: 'cursor', cursor: 'next', parameter: 'c' } })),
    /^SOURCE_PAGED: source test, page 2: has null in place of its records, and is not the last page/,
  );
});
