import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { valueAtPath } from '../../lib/json-path.ts';
import { PipelineError } from '../../model/errors.ts';
import { EnvelopeReader } from '../../steps/source/envelope-reader.ts';
import { goodAttempts } from '../support/quarantined.ts';

const RECORDS = goodAttempts(1, 3).map((attempt) => JSON.stringify(attempt));
const OPTIONS = { subject: 'source test', recordBytes: 100_000 };
const ARRAY = `[${RECORDS.join(', ')}]`;

interface Read {
  readonly records: string[];
  readonly members: object;
}

/** Reads a content in pieces of a size, whose memory is used again. */
function read(content: string, path: string, pieceBytes: number): Read {
  const reader = new EnvelopeReader({ ...OPTIONS, path, isPaged: true });
  const bytes = Buffer.from(content);
  const records: string[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    records.push(...reader.push(piece).map(String));
    piece.fill(0);
  }
  records.push(...reader.end().map(String));
  assert.equal(reader.records, records.length);
  return { records, members: reader.members };
}

function readInPieces(content: string, path: string): Read {
  const [first, ...others] = [1, 7, 1000, 1 << 20].map((size) => read(content, path, size));
  assert(first !== undefined);
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

function faultOf(content: string, path = 'data.items'): string {
  const faults = [1, 7, 1 << 24].map((size) => {
    if (content.length / size > 100_000) return undefined;
    try {
      read(content, path, size);
      return 'none';
    } catch (error) {
      assert(error instanceof PipelineError, String(error));
      return `${error.code}: ${error.message}`;
    }
  });
  const [fault = ''] = new Set(faults.filter((found) => found !== undefined));
  assert.equal(new Set(faults.filter((found) => found !== undefined)).size, 1, faults.join('\n'));
  return fault;
}

describe('an object around the records', () => {
  for (const [what, content, path] of [
    ['alone', `{"result":${ARRAY}}`, 'result'],
    ['with members before and after', `{"a":[1,{"result":[2]}],"result":${ARRAY},"next":"x"}`, 'result'],
    [
      'below others of the same name',
      `{"items":[0],"data":{"data":{"items":[1]},"items":${ARRAY}}}`,
      'data.items',
    ],
    [
      'behind text with brackets and quotes',
      `{"a":"]}\\"{[","data":{"b":"\\\\","items":${ARRAY}}}`,
      'data.items',
    ],
    ['with an escaped name', `{"d\\u0061ta":{"items":${ARRAY}}}`, 'data.items'],
    ['that spans lines, after a mark', `\ufeff\n{\n "data" : {\n "items" : ${ARRAY}\n}\n}\n`, 'data.items'],
    [
      'after a scalar of the same name below',
      `{"x":{"data":1},"data":{"x":{"items":3},"items":${ARRAY}}}`,
      'data.items',
    ],
  ] as const) {
    test(`${what}: the records are read, in pieces of any size`, () => {
      assert.deepEqual(readInPieces(content, path).records, RECORDS);
    });
  }

  test('keeps the members beside the records', () => {
    const { members } = readInPieces(
      `{"meta":{"next":"b","total":7},"data":{"items":${ARRAY},"has_more":true},"@odata.nextLink":"c"}`,
      'data.items',
    );
    assert.equal(valueAtPath(members, 'meta.next'), 'b');
    assert.equal(valueAtPath(members, 'meta.total'), 7);
    assert.equal(valueAtPath(members, 'data.has_more'), true);
    assert.equal(valueAtPath(members, '@odata.nextLink'), 'c');
    assert.equal(valueAtPath(members, 'meta.none'), undefined);
    assert.equal(valueAtPath(members, 'meta.next.x'), undefined);
    assert.equal(valueAtPath(members, 'constructor'), undefined);
  });

  test('without records is empty', () => {
    assert.deepEqual(
      readInPieces('{"data":{"items":[ ]},"error":null,"errors":[]}', 'data.items').records,
      [],
    );
  });

  for (const [what, content, fault] of [
    [
      'an object without the path',
      '{"status":"ok","data":{}}',
      /MALFORMED.*has no "data\.items".*"status", "data"/,
    ],
    ['an empty object', '{}', /MALFORMED.*it is an empty object/],
    [
      'an object where the array should be',
      '{"data":{"items":{"a":[1]}}}',
      /MALFORMED.*no array in "data\.items", but an object/,
    ],
    ['null around the array', '{"data":null}', /MALFORMED.*has no "data\.items"/],
    [
      'an error object',
      '{"error":"no such user"}',
      /MALFORMED.*is an error object \(with the member "error"\)/,
    ],
    [
      'an error beside the records',
      '{"data":{"items":[]},"errors":[{"a":1}]}',
      /MALFORMED.*is an error object \(with the member "errors"\)/,
    ],
    ['an array', '[{"data":{"items":[]}}]', /MALFORMED.*is one JSON array, not an object: leave out/],
    ['a web page', '<html>', /MALFORMED.*begins with "<"/],
    ['a text', '"x"', /MALFORMED.*is no JSON object/],
    ['the array twice', '{"data":{"items":[1],"items":[2]}}', /MALFORMED.*has "data\.items" twice/],
    ['its parent twice', '{"data":{"items":[1]},"data":{}}', /MALFORMED.*has "data\.items" twice/],
    ['what is no JSON', '{"data" {"items":[]}}', /MALFORMED|CUT/],
    ['nothing', '', /CUT.*ends before its array "data\.items"/],
    ['a cut before the array', '{"data":{"x":', /CUT.*ends before its array/],
    ['a cut in the array', '{"data":{"items":[{"a":1},', /CUT.*ends before its JSON array does/],
    ['a cut after the array', '{"data":{"items":[{"a":1}]', /CUT.*ends before its JSON object does/],
    [
      'much beside the records',
      `{"x":"${'y'.repeat(9 << 20)}","data":{"items":[]}}`,
      /TOO_LARGE.*more than 8 MiB beside/,
    ],
  ] as const) {
    test(`${what} is refused by name`, () => {
      assert.match(faultOf(content), fault);
    });
  }

  test('gives what JSON.parse gives, for any members', () => {
    const member = fc.dictionary(
      fc.string().filter((name) => !/^(data|error|fault|exception)s?$/i.test(name)),
      fc.jsonValue(),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        member,
        fc.array(fc.jsonValue()),
        member,
        fc.integer({ min: 1, max: 99 }),
        (before, items, after, size) => {
          const whole = JSON.stringify({ ...before, data: { items, ...after } });
          const { records, members } = read(whole, 'data.items', size);
          assert.deepEqual(
            records.map((record) => JSON.parse(record) as unknown),
            JSON.parse(JSON.stringify(items)),
          );
          assert.deepEqual(Object.keys(members), Object.keys(JSON.parse(whole) as object));
        },
      ),
    );
  });
});

test('null in place of the array is a page without records, and an error where only one content is read', () => {
  const content = '{"next":null,"data":{"items":null}}';
  assert.deepEqual(readInPieces(content, 'data.items'), {
    records: [],
    members: { next: null, data: { items: null } },
  });
  const reader = new EnvelopeReader({ ...OPTIONS, path: 'data.items', isPaged: false });
  reader.push(Buffer.from(content));
  assert.throws(() => reader.end(), /has no array in "data\.items", but null/);
});
