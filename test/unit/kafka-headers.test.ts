import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { decodeHeaders } from '../../adapters/kafka/wire/headers.ts';
import { encodeHeaders } from '../../adapters/kafka/wire/record-batch.ts';

describe('headers', () => {
  const BOUNDS = { count: 3, bytes: 40 };

  test('are read within their limits, and all counted', () => {
    const many = encodeHeaders(Array.from({ length: 200_000 }, () => ['a', '']));
    assert.deepEqual(decodeHeaders(many, BOUNDS), {
      headers: Array.from({ length: 3 }, () => ['a', Buffer.alloc(0)]),
      count: 200_000,
    });
    const long = encodeHeaders([
      ['a', 'b'],
      ['c', 'd'.repeat(99)],
    ]);
    assert.deepEqual(decodeHeaders(long, BOUNDS), { headers: [['a', Buffer.from('b')]], count: 2 });
    assert.deepEqual(decodeHeaders(Buffer.from('02026101', 'hex'), BOUNDS), {
      headers: [['a', null]],
      count: 1,
    });
  });

  for (const [what, hex] of [
    ['a negative number of them', '01'],
    ['more than there are', '04026102'],
    ['billions of them', 'feffffff0f'],
    ['a negative length', '02026103'],
    ['a value that is longer than the record', '0202610862'],
    ['a name that is longer than the record', '020861'],
    ['no name', '02010262'],
    ['a number that does not end', '02ffffffffffff'],
    ['bytes after the last', '0202610262ff'],
  ] as const)
    test(`with ${what} are refused`, () => {
      assert.throws(() => decodeHeaders(Buffer.from(hex, 'hex')), RangeError);
    });
});
