import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline, eventually, type SourceYaml, type TestWorker } from '../support/harness.ts';
import { waitingOf } from '../support/waiting.ts';

const COUNT = 500;
const PAGE = 60;
const PAGES = Math.ceil(COUNT / PAGE);

const BASE = { records: 'data.items' } as const;

/** The settings of each style. */
const STYLES: Readonly<Record<string, SourceYaml>> = {
  link: { ...BASE, paging: { style: 'link', next: 'links.next' } },
  header: { ...BASE, paging: { style: 'header' } },
  cursor: {
    ...BASE,
    request: { method: 'POST', body: { cursor: '{cursor}' } },
    paging: { style: 'cursor', cursor: 'meta.next_cursor', hasMore: 'meta.has_more' },
  },
  page: { ...BASE, paging: { style: 'page', parameter: 'page' } },
  offset: { ...BASE, paging: { style: 'offset', parameter: 'offset', total: 'meta.total' } },
};

/** The paging styles whose fetch is interrupted by killing the worker. */
const KILLED = ['link', 'offset'];

const CLIENT = { id: 'pipeline', secret: 'a-client-secret', uses: 3 };

/** Returns the number of pages that are requested: without a total, an empty page is the last. */
function pagesOf(style: string): number {
  return style === 'page' ? PAGES + 1 : PAGES;
}

describe('a source in pages', () => {
  let platform: Platform;
  let guarded: Platform;
  let pipeline: TestPipeline;
  let worker: TestWorker;

  const pathOf = (name: string, style: string): string => `/${name}/pages/${style}`;
  const requestsOf = (path: string): string[] =>
    platform.requests.filter((request) => request.path === path).map(({ query, fault }) => fault ?? query);

  before(async () => {
    platform = await startPlatform({ count: COUNT });
    guarded = await startPlatform({ count: COUNT, tokenClient: CLIENT });
    const source = (name: string, style: string, { url } = platform): SourceYaml => ({
      ...STYLES[style],
      url: `${url}${pathOf(name, style)}?size=${PAGE}`,
    });
    const login = {
      type: 'oauth2',
      tokenUrl: `${guarded.url}/token`,
      clientId: CLIENT.id,
      clientSecretVariable: 'CLIENT_SECRET',
    };
    pipeline = await TestPipeline.create({
      ...Object.fromEntries(
        [...Object.keys(STYLES), ...KILLED.map((style) => `${style}-killed`)].map((name) => [
          name,
          source(name, name.replace('-killed', '')),
        ]),
      ),
      cyclic: source('cyclic', 'link'),
      single: { ...BASE, url: `${platform.url}${pathOf('single', 'link')}?size=${COUNT}` },
      first: { ...BASE, url: `${platform.url}${pathOf('first', 'link')}?size=${PAGE}` },
      increments: {
        ...source('increments', 'link'),
        request: { query: { since: '{from}' } },
      },
      guarded: { ...source('guarded', 'link', guarded), auth: login },
      refused: { ...source('refused', 'link', guarded), auth: { ...login, clientId: 'another' } },
    });
    worker = await pipeline.startWorker('one', { CLIENT_SECRET: CLIENT.secret });
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
    await guarded.close();
  });

  test('in each style, with errors, a cut and a wait: every record lands once, each page is read once', async () => {
    const styles = Object.keys(STYLES);
    for (const style of styles) {
      const path = pathOf(style, style);
      platform.arm(
        { kind: 'busy', retryAfterSeconds: 0, path, after: 2 },
        { kind: 'status', status: 500, path, after: 4 },
        { kind: 'cut', bytes: 20_000, path, after: 6 },
      );
    }
    const runs = await Promise.all(styles.map((style) => pipeline.start({ source: style })));
    for (const [index, style] of styles.entries()) {
      const { outcome, rows } = (await runs[index]?.result()) ?? {};
      assert.deepEqual([outcome, rows?.['attempts']], ['landed', COUNT], style);
      const requests = requestsOf(pathOf(style, style));
      const faults = requests.filter((request) => ['busy', 'status', 'cut'].includes(request));
      assert.equal(faults.length, 3);
      assert.equal(requests.length - faults.length, pagesOf(style), requests.join('\n'));
    }
  });

  test('the same pages are found to be unchanged, though the bytes beside the records differ', async () => {
    assert.equal((await (await pipeline.start({ source: 'cursor' })).result()).outcome, 'unchanged');
  });

  test('a source with records and without paging lands its only page; one page of several is refused', async () => {
    const { outcome, rows } = await (await pipeline.start({ source: 'single' })).result();
    assert.deepEqual([outcome, rows['attempts']], ['landed', COUNT]);
    const again = await (await pipeline.start({ source: 'single' })).result();
    assert.equal(again.outcome, 'unchanged');
    assert.equal((await waitingOf(pipeline, 'first')).code, 'SOURCE_PAGED');
  });

  test('preview reads the first page alone, and says so', async () => {
    const before = requestsOf(pathOf('link', 'link')).length;
    const { code, stdout, stderr } = await pipeline.command('preview', 'link');
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`of its pages, only the first was read: ${PAGE} records`));
    assert.equal(requestsOf(pathOf('link', 'link')).length, before + 1);
  });

  test('an interval that is missing is named by the request that has it', async () => {
    const { code, stderr } = await pipeline.command('start', 'increments');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /the request of source increments has \{from\}: give --from/);
  });

  test('links that lead in a circle are an error by name', async () => {
    platform.arm({ kind: 'cycle', path: pathOf('cyclic', 'link'), after: 2 });
    const { code, message } = await waitingOf(pipeline, 'cyclic');
    assert.equal(code, 'SOURCE_PAGED');
    assert.match(
      message,
      /source cyclic, page 4: it has the same records as page 1|page 3: it refers to page/,
    );
  });

  test('behind OAuth 2.0: a token that the server refuses is renewed', async () => {
    const { outcome, rows } = await (await pipeline.start({ source: 'guarded' })).result();
    assert.deepEqual([outcome, rows['attempts']], ['landed', COUNT]);
    assert.equal(guarded.issuedTokens, Math.ceil(PAGES / CLIENT.uses));
  });

  test('a login that fails says at which step', async () => {
    const { code, message } = await waitingOf(pipeline, 'refused');
    assert.equal(code, 'SOURCE_REFUSED');
    assert.match(
      message,
      /the login failed at its first step, the token of 127\.0\.0\.1:\d+ \(invalid_client\): .* 401/,
    );
    assert.doesNotMatch(message, /a-client-secret/);
  });

  test('a worker that is killed in the middle of a page goes on after the last whole one', async () => {
    const styles = KILLED;
    for (const style of styles)
      platform.arm({ kind: 'stall', path: pathOf(`${style}-killed`, style), after: 4 });
    const runs = await Promise.all(styles.map((style) => pipeline.start({ source: `${style}-killed` })));
    await eventually(
      'all runs wait for their fifth page',
      () =>
        Promise.resolve(
          styles.every((style) => requestsOf(pathOf(`${style}-killed`, style)).includes('stall')),
        ),
      60_000,
    );
    await worker.kill();
    await pipeline.startWorker('one', { CLIENT_SECRET: CLIENT.secret });
    for (const [index, style] of styles.entries()) {
      const { outcome, rows } = (await runs[index]?.result()) ?? {};
      assert.deepEqual([outcome, rows?.['attempts']], ['landed', COUNT], style);
      const requests = requestsOf(pathOf(`${style}-killed`, style));
      assert.equal(requests.filter((request) => request !== 'stall').length, pagesOf(style));
    }
  });

  test('verify finds no inconsistency afterwards', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });
});
