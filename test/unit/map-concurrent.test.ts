import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'node:test';
import { mapConcurrent } from '../../lib/map-concurrent.ts';

test('mapConcurrent runs as many calls at once as allowed, and keeps the order of the items', async () => {
  let active = 0;
  let most = 0;
  const results = await mapConcurrent(3, [5, 1, 4, 2, 3], async (item) => {
    active += 1;
    most = Math.max(most, active);
    for (let at = 0; at < item; at += 1) await turn();
    active -= 1;
    return item * 10;
  });
  assert.deepEqual(results, [50, 10, 40, 20, 30]);
  assert.equal(most, 3);
});

test('after a failure nothing new begins, and the work under way ends first', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = mapConcurrent(2, [1, 2, 3, 4], async (item) => {
    begun.push(item);
    await turn();
    if (item === 1) throw new RangeError('the first fails');
    await turn();
    ended.push(item);
  });
  await assert.rejects(work, /the first fails/);
  assert.deepEqual(begun, [1, 2]);
  assert.deepEqual(ended, [2]);
});

test('no items end at once', async () => {
  assert.deepEqual(await mapConcurrent(4, [], () => Promise.resolve(1)), []);
});
