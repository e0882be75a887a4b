/** A Kafka batch of several messages that cannot be read, between others: exactly its offsets are skipped. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { Consumed } from '../../activities/consume.ts';
import { skippedRangesIn } from '../../steps/landing/transaction-ids.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../../model/settings-limits.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';
import { compressedBatch, produceBatches } from '../support/kafka-batches.ts';
import { Hostile } from './hostile/hostile.ts';

/** The messages of the unreadable batch have the offsets 1, 2 and 3; those before and after it one each. */
const UNREADABLE = 3;
const END = UNREADABLE + 2;

let pipeline: TestPipeline;
let caller: Hostile;
let topic: string;

before(async () => {
  pipeline = await TestPipeline.create({ several: {} });
  await pipeline.startWorker();
  topic = pipeline.settings.sources['several']?.topic ?? '';
  await ensureTopic(pipeline.kafka, topic, { partitions: 1, replicationFactor: 1 });
  const good = [...generateAttempts({ seed: 12, count: 2 })].map((attempt) =>
    Buffer.from(JSON.stringify(attempt)),
  );
  const [first = Buffer.alloc(0), last = Buffer.alloc(0)] = good;
  const large = Buffer.alloc(Math.ceil(DEFAULT_BATCH_DECODED_BYTES / (UNREADABLE - 1)), '[');
  await produceBatches(pipeline.kafka, topic, 0, [
    compressedBatch('gzip', first),
    compressedBatch('gzip', ...Array.from({ length: UNREADABLE }, () => large)),
    compressedBatch('gzip', last),
  ]);
  caller = await Hostile.start(pipeline);
});

after(async () => {
  await caller.close();
  await pipeline.close();
});

interface Read {
  readonly start: number;
  readonly end: number;
  readonly exact: boolean;
  readonly pastUnreadable: boolean;
}

/** Returns what is consumed of a range, or the code of the error. */
async function consume({ start, end, ...how }: Read): Promise<string> {
  const ranges = [{ partition: 0, start: String(start), end: String(end) }];
  const { result, code } = await caller.call('consume', { batch: { topic, ranges }, ...how });
  if (result === undefined) return code ?? '';
  const { staged, unreadable } = result as Consumed;
  const [range] = staged.batch.ranges;
  const read = `${range?.start} to before ${range?.end}: ${staged.messages} messages, ${staged.gaps} gaps`;
  return unreadable === undefined ? read : `${read}, skipped`;
}

describe('a batch that cannot be read', () => {
  for (const [what, start, end, exact, pastUnreadable, expected] of [
    ['ends the read before it', 0, END, false, false, '0 to before 1: 1 messages, 0 gaps'],
    [
      'ends the read before it, also where it may be skipped',
      0,
      END,
      false,
      true,
      '0 to before 1: 1 messages, 0 gaps',
    ],
    ['fails the read that begins with it', 1, END, false, false, 'KAFKA_BATCH_UNREADABLE'],
    ['is skipped alone where it may be', 1, END, false, true, '1 to before 4: 3 messages, 0 gaps, skipped'],
    ['is skipped by an exact read of it', 1, 4, true, true, '1 to before 4: 3 messages, 0 gaps, skipped'],
    [
      'is skipped up to the end of an exact read',
      1,
      3,
      true,
      true,
      '1 to before 3: 2 messages, 0 gaps, skipped',
    ],
    [
      'is skipped from the start of an exact read on',
      2,
      4,
      true,
      true,
      '2 to before 4: 2 messages, 0 gaps, skipped',
    ],
    ['fails an exact read where it may not be skipped', 1, 4, true, false, 'KAFKA_BATCH_UNREADABLE'],
    ['fails an exact read that has a message before it', 0, 4, true, true, 'KAFKA_BATCH_UNREADABLE'],
    ['fails an exact read that has a message after it', 1, END, true, true, 'KAFKA_BATCH_UNREADABLE'],
  ] as const) {
    test(what, async () => {
      assert.equal(await consume({ start, end, exact, pastUnreadable }), expected);
    });
  }

  test('that a person skips is recorded by its offsets; what is before and after it lands', async () => {
    const run = await pipeline.start({ source: 'several' });
    await eventually('the run waits', async () => (await queryStatus(run)).waiting !== null, 60_000);
    assert.equal((await queryStatus(run)).waiting?.code, 'KAFKA_BATCH_UNREADABLE');
    await run.executeUpdate('skip');
    const { rows, gaps, skipped, steps } = await run.result();
    assert.deepEqual([rows['deliveries'], gaps, steps.consume.recordsIn], [2, 0, END]);
    assert.deepEqual(skipped, [
      { step: 'consume', what: `${topic}/0 1 to before 4`, code: 'KAFKA_BATCH_UNREADABLE' },
    ]);
    const txns = (await pipeline.warehouse.table('deliveries').head())?.txns ?? new Map<string, bigint>();
    assert.deepEqual(skippedRangesIn(txns, topic), [{ partition: 0, start: '1', end: '4' }]);
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /verified: 5 offsets = 2 deliveries \+ 0 quarantined \+ 0 gaps \+ 3 skipped/);
  });
});
