import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'node:test';
import { prefetch } from '../../lib/prefetch.ts';

/** Events of the items, in order. */
let events: string[] = [];

async function* worked(items: readonly number[], failing?: number): AsyncGenerator<number> {
  events = [];
  yield* prefetch(items, async (item, before) => {
    events.push(`begin ${item}`);
    await before;
    await turn();
    if (item === failing) throw new RangeError(`${item} fails`);
    events.push(`end ${item}`);
    return item * 10;
  });
}

test('each item begins while the previous one is under way, and ends after it', async () => {
  const results: number[] = [];
  for await (const result of worked([1, 2, 3])) results.push(result);
  assert.deepEqual(results, [10, 20, 30]);
  assert.deepEqual(events, ['begin 1', 'begin 2', 'end 1', 'begin 3', 'end 2', 'end 3']);
});

test('after a failure nothing new begins, and the work under way ends first', async () => {
  const results: number[] = [];
  const work = (async () => {
    for await (const result of worked([1, 2, 3, 4], 2)) results.push(result);
  })();
  await assert.rejects(work, /^RangeError: 2 fails$/);
  assert.deepEqual(results, [10]);
  assert.deepEqual(events, ['begin 1', 'begin 2', 'end 1', 'begin 3']);
});

test('the work under way ends before the consumer continues, also after a break', async () => {
  for await (const result of worked([1, 2, 3])) {
    assert.equal(result, 10);
    break;
  }
  assert.deepEqual(events, ['begin 1', 'begin 2', 'end 1', 'end 2']);
});

test('no items end at once', async () => {
  for await (const result of worked([])) assert.fail(`there is ${result}`);
});
