import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { splitIntoParts } from '../../client/schedules/backfill.ts';

describe('the parts of a backfill', () => {
  test('are ranges of the times to run, without the others', () => {
    const times = [10, 20, 30, 40, 50, 60, 70];
    assert.deepEqual(splitIntoParts(times, new Set([10, 20, 40, 50, 60, 70]), 3), [
      {
        times: [10, 20, 40],
        ranges: [
          { start: 10, end: 20 },
          { start: 40, end: 40 },
        ],
      },
      { times: [50, 60, 70], ranges: [{ start: 50, end: 70 }] },
    ]);
  });

  test('are empty where all have run', () => {
    assert.deepEqual(splitIntoParts([10, 20], new Set(), 3), []);
  });

  test('contain each missing time once and in order, within the limit of a part', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (ran, size) => {
        const times = ran.map((_, at) => at);
        const todo = times.filter((at) => !ran[at]);
        const parts = splitIntoParts(times, new Set(todo), size);
        assert.deepEqual(
          parts.flatMap((part) => part.times),
          todo,
        );
        for (const part of parts) {
          assert.ok(part.times.length <= size);
          const covered = part.ranges.flatMap(({ start, end }) =>
            times.filter((at) => at >= start && at <= end),
          );
          assert.deepEqual(covered, part.times);
        }
      }),
    );
  });
});
