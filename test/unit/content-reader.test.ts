import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { ContentReader } from '../../steps/source/content-reader.ts';
import type { RecordFormat } from '../../steps/source/record-splitter.ts';
import { PipelineError } from '../../model/errors.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

const GOOD = goodAttempts(1, 4).map((attempt) => JSON.stringify(attempt));
const BAD = badAttempts(2, 3).map((attempt) => JSON.stringify(attempt));
const [FIRST = '', SECOND = ''] = GOOD;

/** Returns the number of records of a content and whether any is good, such as `3 good`; or the error. */
function read(content: string | Buffer, format: RecordFormat, pieceBytes: number): string {
  const reader = new ContentReader({ format, subject: 'source test', recordBytes: 100_000 });
  const bytes = Buffer.from(content);
  let found = 0;
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
      found += reader.push(piece).length;
      piece.fill(0);
    }
    found += reader.end().length;
  } catch (error) {
    assert(error instanceof PipelineError);
    return `${error.code}: ${error.message}`;
  }
  assert.equal(reader.records, found);
  return `${found} ${reader.hasGood ? 'good' : 'bad'}`;
}

/** Does the same as {@link readMessages}, and checks that chunk sizes don't matter. */
function result(content: string | Buffer, format: RecordFormat): string {
  const sizes = [1, 5, 100, 1 << 17].filter((size) => content.length / size < 30_000);
  const [first = '', ...others] = [...new Set(sizes.map((size) => read(content, format, size)))];
  assert.deepEqual(others, [], first);
  return first;
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);
const wrapped = (...records: string[]): string => `{"result":[${records.join(',')}]}`;

describe('a content in its configured format', () => {
  for (const [what, content, format, found] of [
    ['lines', `${GOOD.join('\n')}\n`, 'ndjson', '4 good'],
    ['one line', `${FIRST}\n`, 'ndjson', '1 good'],
    ['one line without its end', FIRST, 'ndjson', '1 good'],
    ['lines of which one is good', `${[...BAD, FIRST].join('\n')}\n`, 'ndjson', '4 good'],
    ['lines of which none is good', `${BAD.join('\n')}\n`, 'ndjson', '3 bad'],
    ['one line that is not good', `${BAD[0] ?? ''}\n`, 'ndjson', '1 bad'],
    ['lines that begin with an array', `[1]\n${FIRST}\n`, 'ndjson', '2 good'],
    ['lines that begin with a cut one', `${FIRST.slice(0, 200)}\n${FIRST}\n${SECOND}\n`, 'ndjson', '3 good'],
    ['lines that begin with two records', `${FIRST}${SECOND}\n${FIRST}\n`, 'ndjson', '2 good'],
    ['lines that begin with a title', `attempts\n${FIRST}\n`, 'ndjson', '2 good'],
    ['no lines', '', 'ndjson', '0 bad'],
    ['lines with marks', `\ufeff${FIRST}\n\ufeff${SECOND}\r\n\ufeff\n \ufeff${FIRST}\n`, 'ndjson', '3 good'],
    ['an array', `[${GOOD.join(',')}]`, 'json-array', '4 good'],
    ['an array that spans lines', pretty(goodAttempts(1, 4)), 'json-array', '4 good'],
    ['an array with marks', `\ufeff[\ufeff${FIRST}, \ufeff${SECOND}]\ufeff`, 'json-array', '2 good'],
    ['an empty array', '[]', 'json-array', '0 bad'],
    ['an array of which none is good', `[${BAD.join(',')},1]`, 'json-array', '4 bad'],
    ['the last page', `${FIRST}\n{"next":null,"has_more":false,"done":true}\n`, 'ndjson', '2 good'],
  ] as const) {
    test(`${what}: its records are read`, () => {
      assert.equal(result(content, format), found);
    });
  }

  test('is read the same with and without a byte order mark', () => {
    const mark = fc.constantFrom('', '', '\ufeff', ' \ufeff', '\ufeff\ufeff ');
    const record = fc.tuple(mark, fc.constantFrom(...GOOD, ...BAD));
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 900 }),
        (all, size) => {
          const texts = all.map((parts) => parts.join(''));
          const due = `${all.length} ${all.some(([, text]) => GOOD.includes(text)) ? 'good' : 'bad'}`;
          assert.equal(read(`${texts.join('\n')}\n`, 'ndjson', size), due);
          assert.equal(read(`[${texts.join(',')}]`, 'json-array', size), due);
        },
      ),
      { numRuns: 100, seed: 6 },
    );
  });
});

describe('a content in another format is refused by name', () => {
  const array = /is one JSON array.*; its format, ndjson, is one record a line: set .* format to json-array/;
  const spanning = /spans? lines; its format, ndjson/;
  const lines = /has a JSON object in each line; its format, json-array, .*: set .* format to ndjson/;
  const several = /has several JSON values, one behind the other/;
  const inResult = /is one JSON object that is no record \(with an array in "result"\)/;
  const next = (member: string): RegExp =>
    new RegExp(`is one page of several: "${member}" refers to the next page`);
  const page = (more: object): string => JSON.stringify({ data: goodAttempts(1, 2), ...more });
  for (const [what, content, format, says] of [
    ['an array in one line', `[${GOOD.join(',')}]`, 'ndjson', array],
    ['an array in one line that ends', `[${FIRST}]\n\n`, 'ndjson', array],
    ['an empty array', '[]\n', 'ndjson', array],
    ['a pretty array', pretty(goodAttempts(1, 3)), 'ndjson', array],
    ['a large pretty array', pretty(goodAttempts(1, 60)), 'ndjson', array],
    ['an array of an element a line', `[\n${GOOD.join(',\n')}\n]\n`, 'ndjson', array],
    ['an array with its commas before the elements', `[\n${GOOD.join('\n,')}\n]\n`, 'ndjson', array],
    ['such an array that is cut', `[\n${GOOD.join('\n,')}\n`, 'ndjson', array],
    ['a pretty record', pretty(goodAttempts(1, 1)[0]), 'ndjson', spanning],
    ['pretty records', goodAttempts(1, 2).map(pretty).join('\n'), 'ndjson', spanning],
    ['records behind each other', GOOD.join(''), 'ndjson', several],
    ['records with spaces between them', GOOD.join(' '), 'ndjson', several],
    ['lines that end with a carriage return', GOOD.join('\r'), 'ndjson', several],
    ['an object around the records', wrapped(...GOOD), 'ndjson', inResult],
    ['… with an element a line', `{"result":[\n${GOOD.join(',\n')}\n]}\n`, 'ndjson', inResult],
    ['… that is pretty', pretty(JSON.parse(wrapped(...GOOD))), 'ndjson', inResult],
    [
      'an error',
      '{"error":"token expired","code":401}',
      'ndjson',
      /is an error object \(with the member "error"/,
    ],
    [
      'a pretty error',
      '{\n "errors": [ {"code": 1} ]\n}',
      'ndjson',
      /is an error object \(with the member "errors"/,
    ],
    ['any object', '{"status":"ok"}\n', 'ndjson', /is one JSON object that is no record/],
    ['lines', GOOD.join('\n'), 'json-array', lines],
    ['one line', `${FIRST}\n`, 'json-array', lines],
    [
      'a pretty record',
      pretty(goodAttempts(1, 1)[0]),
      'json-array',
      /is one JSON object; its format, json-array/,
    ],
    ['records behind each other', GOOD.join(''), 'json-array', several],
    ['an object around the records', wrapped(...GOOD), 'json-array', inResult],
    ['a large one', pretty({ result: goodAttempts(1, 60) }), 'json-array', inResult],
    ['an error', '{"error":"no"}', 'json-array', /is an error object/],
    ['a page', page({ next: 'https://x/2' }), 'ndjson', next('next')],
    ['a page', page({ next: 'https://x/2' }), 'json-array', next('next')],
    ['a pretty page', pretty(JSON.parse(page({ nextPageToken: 'x' }))), 'json-array', next('nextPageToken')],
    ['a page of OData', page({ '@odata.nextLink': 'x' }), 'json-array', next('@odata.nextLink')],
    ['a page with links', page({ _links: { next: { href: 'x' } } }), 'json-array', next('_links.next')],
    ['a page with relations', page({ links: [{ rel: 'next', href: 'x' }] }), 'ndjson', next('links.rel')],
    ['a page with a cursor', page({ meta: { next_cursor: 'x' } }), 'json-array', next('meta.next_cursor')],
    ['a page that has more', page({ has_more: true }), 'json-array', next('has_more')],
    ['a page that is not the last', page({ last: false }), 'json-array', next('last')],
    [
      'a page of Hydra',
      page({ 'hydra:view': { 'hydra:next': 'x' } }),
      'ndjson',
      next('hydra:view.hydra:next'),
    ],
    ['a page by its key', page({ LastEvaluatedKey: { id: 1 } }), 'ndjson', next('LastEvaluatedKey')],
    ['a page that is truncated', page({ IsTruncated: true }), 'json-array', next('IsTruncated')],
    ['lines that end with such a page', `${FIRST}\n{"done":false}\n`, 'ndjson', next('done')],
    ['a page by its number', page({ page: 1, total_pages: 3 }), 'json-array', next('page')],
    ['lines that end with a page', `${FIRST}\n{"next":"x"}\n`, 'ndjson', next('next')],
    ['lines that begin with a page', `{"paging":{"next":"x"}}\n${FIRST}\n`, 'ndjson', next('paging.next')],
    ['an array that ends with a page', `[${FIRST},{"next":"x"}]`, 'json-array', next('next')],
  ] as const) {
    test(`${what}, read as ${format}`, () => {
      const found = result(content, format);
      assert.match(found, /^(SOURCE_MALFORMED|SOURCE_PAGED): the content of source test /);
      assert.equal(found.startsWith('SOURCE_PAGED'), found.includes('one page of several'));
      assert.match(found, says);
    });
  }
});

describe('lines that may be truncated', () => {
  const CUT = /^SOURCE_CUT: .* ends with a line that has no line end and is no JSON; it may have been cut/;

  test('are refused where the last one is incomplete JSON', () => {
    const record = Buffer.from(
      JSON.stringify({ ...goodAttempts(1, 1)[0], exam_name: 'é\\"€', more: [1.5e3, true] }),
    );
    const before = Buffer.from(`${FIRST}\n`);
    for (let bytes = 1; bytes < record.length; bytes += 1)
      assert.match(read(Buffer.concat([before, record.subarray(0, bytes)]), 'ndjson', 4096), CUT);
    assert.match(result(record.subarray(0, 100), 'ndjson'), CUT);
    assert.equal(result(Buffer.concat([before, record]), 'ndjson'), '2 good');
  });

  test('are refused where the last one is not JSON', () => {
    for (const last of ['{"a":tru}', '\0\0', '\xff', 'Internal error'])
      assert.match(result(`${FIRST}\n${last}`, 'ndjson'), CUT);
    assert.equal(result(`${FIRST}\n{"a":tru}\n`, 'ndjson'), '2 good');
    assert.equal(result(`${FIRST}\n \t`, 'ndjson'), '1 good');
  });

  test('are refused where the last one is an error in place of the rest', () => {
    for (const page of ['<h1>Bad Gateway</h1>', '<html>\n<p>Sorry</p>\n </html>'])
      assert.match(
        result(`${FIRST}\n${SECOND}\n${page}\n`, 'ndjson'),
        /^SOURCE_CUT: .* ends with a web page or XML; it may have been cut there/,
      );
    assert.match(
      result(`${FIRST}\n${SECOND}\n{"error":"time-out"}\n`, 'ndjson'),
      /^SOURCE_CUT: .* ends with an error object .*; it may have been cut there/,
    );
  });
});

test('a record that is too large is refused', () => {
  const large = JSON.stringify({ ...goodAttempts(1, 1)[0], more: 'x'.repeat(100_000) });
  assert.equal(result(`${large}\n${large}\n`, 'ndjson'), '2 bad');
});
