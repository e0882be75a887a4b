import assert from 'node:assert/strict';
import test from 'node:test';
import {
  MAX_REASONS_OF_RUN,
  MAX_REASONS_OF_STEP,
  ReasonTally,
  type ReasonCounts,
} from '../../model/reasons.ts';

function recordsIn({ named, others }: ReasonCounts): number {
  return named.reduce((sum, { count }) => sum + count, 0) + others;
}

test('the most frequent of many reasons are named, and the records with other reasons are counted', () => {
  const batch = new ReasonTally();
  batch.add('transform', { path: 'a', reason: 'is missing' }, 7);
  for (let at = 0; at < 10_000; at += 1)
    batch.add('transform', { path: `field-${at}`, reason: 'is not known' });
  const counts = batch.top(MAX_REASONS_OF_STEP);
  assert.deepEqual(counts.named[0], { step: 'transform', path: 'a', reason: 'is missing', count: 7 });
  assert.equal(counts.named.length, MAX_REASONS_OF_STEP);
  assert.equal(recordsIn(counts), 10_007);
});

test('a tally of reasons has at most 200 of them, however many records it counts', () => {
  const tally = new ReasonTally();
  for (let at = 0; at < 10_000; at += 1)
    tally.add('transform', { path: `field-${at}`, reason: 'is not known' });
  const counts = tally.top(Infinity);
  assert.equal(counts.named.length, 200);
  assert.equal(counts.others, 9_800);
});

test('the reasons of a run are the sum of those of its batches', () => {
  const run = new ReasonTally();
  for (let batch = 0; batch < 100; batch += 1) {
    const tally = new ReasonTally();
    for (const path of ['constructor', '__proto__', `batch-${batch}`])
      tally.add('publish', { path, reason: 'is not known' }, 3);
    run.addAll(JSON.parse(JSON.stringify(tally.top(MAX_REASONS_OF_STEP))) as ReasonCounts);
  }
  const counts = run.top(MAX_REASONS_OF_RUN);
  assert.deepEqual(
    counts.named.slice(0, 2).map(({ path, count }) => [path, count]),
    [
      ['constructor', 300],
      ['__proto__', 300],
    ],
  );
  assert.equal(counts.named.length, MAX_REASONS_OF_RUN);
  assert.equal(recordsIn(counts), 900);
});

test('paths that differ in a list index, and sizes, are one reason', () => {
  const tally = new ReasonTally();
  for (let at = 0; at < 500; at += 1) {
    tally.add('transform', { path: `questions[${at}].options[${at}]`, reason: 'is missing' });
    tally.add('publish', { path: '', reason: `has ${at} bytes, more than a record may have` });
  }
  assert.deepEqual(
    tally.top(5).named.map(({ path, reason, count }) => [path, reason, count]),
    [
      ['questions[].options[]', 'is missing', 500],
      ['', 'has … bytes, more than a record may have', 500],
    ],
  );
});
