import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { findVersionAt, increasingTimes } from '../../adapters/delta/version-times.ts';

test('times become strictly increasing, by a millisecond each', () => {
  assert.deepEqual(increasingTimes([5, 5, 9, 3, 3, 20]), [5, 6, 9, 10, 11, 20]);
  assert.deepEqual(increasingTimes([]), []);
});

/** Finds the version in a log whose first version is 3; `read` counts the times that were read. */
async function find(
  times: readonly number[],
  timeMs: number,
  window?: number,
): Promise<{ version: number | undefined; read: number }> {
  let read = 0;
  const versions = times.map((_, index) => index + 3);
  const readTimes = (wanted: readonly number[]): Promise<number[]> => {
    read += wanted.length;
    return Promise.resolve(wanted.map((version) => times[version - 3] ?? NaN));
  };
  return { version: await findVersionAt(versions, timeMs, readTimes, window), read };
}

function expected(times: readonly number[], timeMs: number): number | undefined {
  const index = increasingTimes(times).findLastIndex((time) => time <= timeMs);
  return index < 0 ? undefined : index + 3;
}

test('the last version at or before a time is found, whatever the times are', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: -1, max: 90 }), async (all, timeMs) => {
      assert.equal((await find(all, timeMs)).version, expected(all, timeMs));
    }),
  );
});

test('of a long log, a window is read, and clocks may differ within it', async () => {
  // Each time is at most 40 versions out of order.
  const skewed = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 200, maxLength: 400 });
  await fc.assert(
    fc.asyncProperty(skewed, fc.integer({ min: -50, max: 4_100 }), async (skews, timeMs) => {
      const times = skews.map((skew, index) => (index + skew) * 10);
      assert.equal((await find(times, timeMs, 128)).version, expected(times, timeMs));
    }),
  );
  // The window of 8 begins with a version whose clock was ahead.
  const ahead = Array.from({ length: 100 }, (_, index) => (index === 58 ? 700 : index * 10));
  assert.equal((await find(ahead, 615, 8)).version, expected(ahead, 615));
  const year = Array.from({ length: 500_000 }, (_, index) => index * 60_000);
  const { version, read } = await find(year, 1_234_567 * 1_000);
  assert.equal(version, expected(year, 1_234_567 * 1_000));
  assert.ok(read < 600, `times read: ${read}`);
});
