import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { OffsetSet, clipSpans, countOffsets, formatSpans } from '../../client/verify/offset-set.ts';

/** Generates offsets near the borders of words and chunks, and large ones. */
const offset = fc.oneof(
  fc.nat(200),
  fc.nat(200).map((n) => 65_500 + n),
  fc.nat(200).map((n) => 2 ** 40 + n),
);

function setOf(offsets: readonly number[]): OffsetSet {
  const set = new OffsetSet();
  for (const one of offsets) set.add(one);
  return set;
}

test('set operations on offsets match those of Set, in order', () => {
  fc.assert(
    fc.property(fc.array(offset), fc.array(offset), fc.array(offset), (mine, other, third) => {
      const spans = setOf(mine).without(setOf(other), setOf(third));
      const offsets = spans.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, at) => start + at),
      );
      const taken = new Set([...other, ...third]);
      assert.deepEqual(
        offsets,
        [...new Set(mine)].filter((one) => !taken.has(one)).sort((a, b) => a - b),
      );
      assert.equal(countOffsets(spans), offsets.length);
    }),
  );
});

test('add returns whether the offset is new, and counts it once', () => {
  const set = setOf([5, 6]);
  assert.equal(set.add(6), false);
  assert.equal(set.add(7), true);
  assert.equal(set.size, 3);
  set.addSpan({ start: 6, end: 10 });
  assert.deepEqual(set.without(), [{ start: 5, end: 10 }]);
});

test('adjacent spans are merged, also across chunks', () => {
  const set = new OffsetSet();
  set.addSpan({ start: 65_530, end: 65_545 });
  assert.deepEqual(set.without(), [{ start: 65_530, end: 65_545 }]);
});

test('clipping keeps the offsets between two bounds', () => {
  const spans = [
    { start: 0, end: 5 },
    { start: 8, end: 9 },
    { start: 12, end: 20 },
  ];
  assert.deepEqual(clipSpans(spans, 3, 14), [
    { start: 3, end: 5 },
    { start: 8, end: 9 },
    { start: 12, end: 14 },
  ]);
  assert.deepEqual(clipSpans(spans, 9, 12), []);
});

test('the first few spans are shown by their first and last offset', () => {
  assert.equal(
    formatSpans([
      { start: 3, end: 4 },
      { start: 7, end: 10 },
    ]),
    '3, 7 to 9',
  );
  const many = Array.from({ length: 8 }, (_, at) => ({ start: 2 * at, end: 2 * at + 1 }));
  assert.equal(formatSpans(many), '0, 2, 4, 6, 8 and 3 more such spans');
});
