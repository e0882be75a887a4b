import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { sourceWith, type SourceSettings } from '../../model/settings.ts';
import { accessOf } from '../../steps/source/address.ts';
import { PageSequence, type ReadPage } from '../../steps/source/page-sequence.ts';
import type { Position } from '../../steps/source/paging.ts';

type Input = Parameters<typeof sourceWith>[0];

function sourceOf(more: Partial<Input>): SourceSettings {
  return sourceWith({ topic: 't', url: 'https://a.example/x?a=1', records: 'items', ...more });
}

function sequenceOf(paging: NonNullable<Input['paging']>): PageSequence {
  const parameter = ['cursor', 'page', 'offset'].includes(paging.style) ? { parameter: 'p' } : {};
  const { paging: settings } = sourceOf({ paging: { ...parameter, ...paging } });
  assert(settings !== undefined);
  return new PageSequence('source test', settings);
}

let pages = 0;

/** A page of records that no other page has. */
function page(members: Record<string, unknown>, more: Partial<ReadPage> = {}): ReadPage {
  pages += 1;
  return {
    sha256: String(pages).padStart(64, '0'),
    records: 2,
    bytes: 10,
    hasGood: true,
    members,
    nextLink: undefined,
    hasNoContent: false,
    follow: (link): Position => ({ kind: 'link', url: `https://a.example${link}`, network: 'public' }),
    ...more,
  };
}

/** Reads pages; returns the cursor or link after each. */
function follow(sequence: PageSequence, ...given: ReadPage[]): unknown[] {
  return given.map((one) => {
    sequence.add(sequence.check(one));
    const { next } = sequence;
    return next?.kind === 'link' ? next.url : next?.cursor;
  });
}

function faultOf(sequence: PageSequence, ...given: ReadPage[]): string {
  try {
    follow(sequence, ...given);
    return 'none';
  } catch (error) {
    assert(error instanceof PipelineError);
    return `${error.code}: ${error.message}`;
  }
}

describe('the page after a page', () => {
  test('is a link in the body, until there is none', () => {
    const sequence = sequenceOf({ style: 'link', next: 'links.next' });
    const found = follow(
      sequence,
      page({ links: { next: '/2' } }),
      page({ links: { next: '/3' } }),
      page({ links: {} }),
    );
    assert.deepEqual(found, ['https://a.example/2', 'https://a.example/3', undefined]);
    assert.equal(sequence.next, null);
  });

  test('is a link in the header Link', () => {
    const found = follow(sequenceOf({ style: 'header' }), page({}, { nextLink: '/2' }), page({}));
    assert.deepEqual(found, ['https://a.example/2', undefined]);
  });

  test('is a cursor, also after an empty page, until there is none or no more', () => {
    const sequence = sequenceOf({ style: 'cursor', cursor: 'next', hasMore: 'more' });
    const found = follow(
      sequence,
      page({ next: 'b', more: true }, { records: 0 }),
      page({ next: 7, more: true }),
      page({ next: 'd', more: false }),
    );
    assert.deepEqual(found, ['b', 7, undefined]);
  });

  test('is the next number, until an empty page', () => {
    assert.deepEqual(follow(sequenceOf({ style: 'page' }), page({}), page({}), page({}, { records: 0 })), [
      2,
      3,
      undefined,
    ]);
  });

  test('is the number of records, until the total', () => {
    const sequence = sequenceOf({ style: 'offset', total: 'total' });
    const found = follow(
      sequence,
      page({ total: 5 }),
      page({ total: '5' }),
      page({ total: 5 }, { records: 1 }),
    );
    assert.deepEqual(found, [2, 4, undefined]);
  });

  test('is none after null in place of records, where that page is the last', () => {
    const last = { records: 0, isNull: true };
    assert.deepEqual(follow(sequenceOf({ style: 'page' }), page({}), page({}, last)), [2, undefined]);
    assert.deepEqual(follow(sequenceOf({ style: 'link', next: 'next' }), page({ next: null }, last)), [
      undefined,
    ]);
  });

  test('is none after an answer without content', () => {
    const sequence = sequenceOf({ style: 'cursor', cursor: 'next', hasMore: 'more' });
    assert.deepEqual(follow(sequence, page({}, { records: 0, hasNoContent: true })), [undefined]);
  });
});

describe('pages that do not fit are refused by name', () => {
  for (const [what, paging, given, fault] of [
    [
      'a cycle of cursors',
      { style: 'cursor', cursor: 'next' },
      [page({ next: 'a' }), page({ next: 'b' }), page({ next: 'a' })],
      /^SOURCE_PAGED: source test, page 3: it refers to page 2 as the next one/,
    ],
    [
      'a link to itself',
      { style: 'link', next: 'next' },
      [page({ next: '/2' }), page({ next: '/2' })],
      /^SOURCE_PAGED: source test, page 2: it refers to page 2/,
    ],
    [
      'a page that comes twice',
      { style: 'page' },
      [page({}, { sha256: 'f'.repeat(64) }), page({}, { sha256: 'f'.repeat(64) })],
      /^SOURCE_PAGED: source test, page 2: it has the same records as page 1/,
    ],
    [
      'too many pages',
      { style: 'page', maxPages: 2 },
      [page({}), page({})],
      /paging\.maxPages allows 2 pages/,
    ],
    [
      'more pages without a link',
      { style: 'link', next: 'next', hasMore: 'more' },
      [page({ more: true })],
      /^SOURCE_PAGED: .*more is true, but there is no next page/,
    ],
    [
      'null in place of records before the last page',
      { style: 'cursor', cursor: 'next' },
      [page({ next: 'a' }, { records: 0, isNull: true })],
      /^SOURCE_PAGED: source test, page 1: has null in place of its records, and is not the last page/,
    ],
    [
      'null in place of records, and more pages',
      { style: 'page', hasMore: 'more' },
      [page({ more: true }, { records: 0, isNull: true })],
      /has null in place of its records, and is not the last page/,
    ],
    ['no has_more', { style: 'page', hasMore: 'more' }, [page({})], /has no true or false in "more"/],
    [
      'no total',
      { style: 'page', total: 'total' },
      [page({ total: -1 })],
      /has no number of records in "total"/,
    ],
    [
      'a cursor that is an object',
      { style: 'cursor', cursor: 'next' },
      [page({ next: {} })],
      /neither a text nor a number/,
    ],
    [
      'a long cursor',
      { style: 'cursor', cursor: 'next' },
      [page({ next: 'x'.repeat(9_000) })],
      /more than 8192 characters/,
    ],
    [
      'a list that changes',
      { style: 'offset', total: 'total' },
      [page({ total: 9 }), page({ total: 8 })],
      /^SOURCE_CHANGED: .*the list has 8 records, and had 9/,
    ],
    [
      'fewer records than the total',
      { style: 'page', total: 'total' },
      [page({ total: 9 }), page({ total: 9 }, { records: 0 })],
      /^SOURCE_CHANGED: .*all pages have 2 records, where the list has 9/,
    ],
  ] as const) {
    test(what, () => {
      assert.match(faultOf(sequenceOf(paging), ...given), fault);
    });
  }
});

test('the identity of a content is that of its records, whatever is beside them', () => {
  const [first, second] = [page({ next: 'b', at: 1 }), page({ at: 2 })];
  const again = [
    { ...first, members: { next: 'c', at: 3 } },
    { ...second, members: { at: 4 } },
  ];
  const [one, other, more] = [1, 2, 3].map(() => sequenceOf({ style: 'cursor', cursor: 'next' }));
  assert(one !== undefined && other !== undefined && more !== undefined);
  follow(one, first, second);
  follow(other, ...again);
  follow(more, first, page({}));
  assert.equal(one.sha256, other.sha256);
  assert.notEqual(one.sha256, more.sha256);
});

describe('the request of a page', () => {
  const request = { source: 'test', from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' };

  test('has the interval and the cursor in the query, headers and body; the first has no cursor', () => {
    const source = sourceOf({
      paging: { style: 'cursor', cursor: 'next' },
      request: {
        method: 'POST',
        query: { since: '{from}' },
        headers: { 'X-Until': '{to}', 'X-Cursor': '{cursor}' },
        body: { filter: { to: '{to}', list: [1, '{cursor}'] }, cursor: '{cursor}' },
      },
    });
    const first = accessOf(request, source);
    assert.equal(first.url, 'https://a.example/x?a=1&since=2026-01-01T00%3A00%3A00.000Z');
    assert.deepEqual(first.headers, { 'x-until': request.to });
    assert.deepEqual(JSON.parse(first.body ?? ''), { filter: { to: request.to, list: [1] } });
    const later = accessOf(request, source, { kind: 'own', cursor: 7 });
    assert.deepEqual(later.headers, { 'x-until': request.to, 'x-cursor': '7' });
    assert.deepEqual(JSON.parse(later.body ?? ''), { filter: { to: request.to, list: [1, 7] }, cursor: 7 });
    const forged = (): unknown => accessOf(request, source, { kind: 'own', cursor: 'a\r\nb: c' });
    assert.throws(forged, /SOURCE_PAGED|the header x-cursor cannot have the value/);
  });

  test('has the number in a parameter; a link is requested as it is', () => {
    const source = sourceOf({ paging: { style: 'page', parameter: 'page' } });
    assert.equal(accessOf(request, source).url, 'https://a.example/x?a=1&page=1');
    const link = { kind: 'link', url: 'https://b.example/y', network: 'public' } as const;
    const { url, ownOrigin, linkedFrom } = accessOf(request, source, link);
    assert.deepEqual([url, ownOrigin, linkedFrom], [link.url, 'https://a.example', 'public']);
  });
});
