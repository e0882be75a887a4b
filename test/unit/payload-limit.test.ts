import assert from 'node:assert/strict';
import test from 'node:test';
import { planOf } from '../../steps/landing/plan-batches.ts';
import { chunkIds } from '../../model/identity.ts';
import { MAX_PAYLOAD_BYTES, describeExcess } from '../../model/payload-limit.ts';
import { addEnds } from '../../model/published.ts';
import { MAX_CHUNKS, MAX_PARTITIONS } from '../../model/references.ts';
import { workflowIdFault } from '../../model/run-folder.ts';

test('values that exceed Temporal’s limit together are named, with their size', () => {
  const half = 'ä'.repeat(MAX_PAYLOAD_BYTES / 4 - 1);
  assert.equal(describeExcess('the result', [half, half]), undefined);
  assert.equal(
    describeExcess('the result of the activity plan', [half, half, 1]),
    'the result of the activity plan has 1,500,001 bytes, more than the 1,500,000 that a run may hand on',
  );
  assert.equal(describeExcess('nothing', [undefined]), undefined);
});

test('a topic with the maximum of partitions is planned; one with more is refused by name', () => {
  const offsets = Array.from({ length: MAX_PARTITIONS + 1 }, (_, partition) => ({
    partition,
    earliest: '1000000000000000000',
    end: '9000000000000000000',
  }));
  const plan = planOf('t', offsets.slice(1), new Map(), null);
  assert.equal(describeExcess('the plan', [plan]), undefined);
  const carried = { offsets: plan.ranges, publishedEnds: plan.ends, until: plan.ends };
  assert.equal(describeExcess('the rest', [carried]), undefined);
  assert.throws(() => planOf('t', offsets, new Map(), null), /topic t has 10,001 partitions/);
});

test('the largest content that a source can have fits as chunks', () => {
  const content = { format: 'ndjson', sha256: 'a'.repeat(64), again: crypto.randomUUID() };
  const chunks = chunkIds('s'.repeat(63), content, MAX_CHUNKS).map((id, at) => ({
    id,
    path: `content/chunks~01234567/${String(at).padStart(6, '0')}.chunk`,
    records: 3_355_444,
    bytes: 17_677_216,
    largestBytes: 900_000,
  }));
  assert.equal(describeExcess('the chunks', [chunks]), undefined);
});

test('the end offsets of a publish’s chunks are merged to the latest per partition', () => {
  const ends = {};
  for (const more of [{ 0: '9', 1: '5' }, { 0: '10' }, { 1: '4' }]) addEnds(ends, more);
  assert.deepEqual(ends, { 0: '10', 1: '5' });
});

test('a workflow id that is no folder name is refused', () => {
  assert.equal(workflowIdFault('x'.repeat(218)), undefined);
  assert.match(workflowIdFault('ж'.repeat(100)) ?? '', /of 600 characters.*at most 218/);
});
