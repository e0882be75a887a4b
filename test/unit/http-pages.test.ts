import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import test, { after, before, describe } from 'node:test';
import { relationsOf } from '../../adapters/http/pages.ts';
import { openHttp } from '../../adapters/http/source.ts';
import { codeOf } from '../support/harness.ts';
import { ScriptedServer, answer, requestTo } from '../support/scripted-server.ts';

let server: ScriptedServer;

before(async () => {
  server = await ScriptedServer.start();
});

after(() => server.close());

async function open(): Promise<string> {
  const { body } = await openHttp(requestTo(server));
  return text(body);
}

describe('one page of several', () => {
  const PAGED: readonly (readonly [name: string, value: string | string[]])[] = [
    ['Link', '<https://x.example/?page=2>; rel="next"'],
    ['link', '</?page=2>;rel=next'],
    ['Link', '</?page=2>; REL = "NEXT"'],
    ['Link', '</?page=9>; rel="last", </?page=2>; rel="next"'],
    ['Link', ['</style.css>; rel=preload', '</?page=2>; title="a, b; c"; rel="prev next"']],
    ['Link', '</?a=1,2;3>; rel="item next"; title="last"'],
    ['Link', '<>; title="say \\"rel=prev\\""; rel=next'],
    ['Link', "</?page=2>; rel='next'"],
    ['Link', 'nonsense, </?page=2>; rel="next'],
    ['X-Next-Page', '2'],
    ['x-ms-continuation', 'abc'],
    ['X-Has-More', 'true'],
    ['X-Total-Pages', '3'],
    ['Next-Cursor', 'abc'],
    ['X-Pagination-Page-Count', '3'],
    ['X-Pagination', '{"TotalCount":9,"TotalPages":3,"CurrentPage":1}'],
    ['X-Pagination', '{"HasNext":true}'],
    ['Pagination', '{"nextPageLink":"https://x.example/?page=2"}'],
    ['Content-Range', 'items 0-24/100'],
    ['Content-Range', '0-24/*'],
  ];
  for (const [name, value] of PAGED) {
    test(`is refused by name: ${name}: ${String(value)}`, async () => {
      server.script(answer(200, { [name]: value }, '[]'));
      assert.match(await codeOf(open()), /^SOURCE_PAGED: source test: the server sent one page of several/);
    });
  }

  const WHOLE: readonly (readonly [name: string, value: string])[] = [
    ['Link', '</?page=1>; rel="prev", </>; rel="first"'],
    ['Link', '</next>; rel="nextpage"; title="rel=next"'],
    ['Link', '</?rel=next>; rel="self"'],
    ['Link', '</style.css>; rel=preload; as=style'],
    ['Link', '<a>; rel=prev; rel=next'],
    ['X-Next-Page', ''],
    ['X-Has-More', 'false'],
    ['X-Total-Pages', '1'],
    ['X-Pagination', '{"TotalCount":9,"TotalPages":1,"HasNext":false,"nextPageLink":null}'],
    ['X-Pagination', 'none'],
    ['X-Pagination', '[3]'],
    ['Content-Range', 'items 0-24/25'],
  ];
  for (const [name, value] of WHOLE) {
    test(`is not assumed: ${name}: ${value}`, async () => {
      server.script(answer(200, { [name]: value }, '[]'));
      assert.equal(await open(), '[]');
    });
  }

  const COUNTED: readonly (readonly [name: string, value: string, count: number | undefined])[] = [
    ['X-Total-Count', '9', 9],
    ['Total-Records', ' 9 ', 9],
    ['X-Pagination-Total-Count', '9', 9],
    ['X-Pagination', '{"totalItems":9}', 9],
    ['X-Total', '9 of 12', undefined],
    ['X-Total-Count', '-1', undefined],
    ['X-Pagination', '{"totalItems":{"all":9}}', undefined],
  ];
  for (const [name, value, count] of COUNTED) {
    test(`counts the records of all pages: ${name}: ${value}`, async () => {
      server.script(answer(200, { [name]: value }, '[]'));
      assert.equal((await openHttp(requestTo(server))).representation.totalRecords, count);
    });
  }

  test('is detected in a Link of any length', () => {
    for (const hostile of [
      '<a>;'.repeat(4000),
      `<a>${'; a="'.repeat(4000)}`,
      `<a>${';'.repeat(16_000)}rel`,
      '<'.repeat(16_000),
    ])
      assert.deepEqual(relationsOf(hostile), []);
    assert.deepEqual(relationsOf(`<a>${'; a="b"'.repeat(2000)}; rel=next`), ['next']);
  });
});
