/** Faults 23 and 24: what can happen to a publish around its commit, and to the broker under it. */
import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRanges } from '../../adapters/kafka/read.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import type { IngestHandle } from '../support/harness.ts';
import { eventually, queryStatus } from '../support/harness.ts';
import { API, type KafkaFault } from '../support/kafka-proxy.ts';
import { inPieces, messages, OPTIONS } from '../support/kafka-topic.ts';
import { ProxiedKafka } from '../support/proxied-kafka.ts';
import { FaultyPipeline, lastFailureOf } from './faulty-pipeline.ts';
import { publishOnce } from '../support/publish-once.ts';

let broker: ProxiedKafka;
let faulty: FaultyPipeline;

before(async () => {
  broker = await ProxiedKafka.start();
});

after(() => broker.stop());

beforeEach(async () => {
  faulty = await FaultyPipeline.create({
    more: { kafka: { brokers: [broker.kafka.broker] } },
    ofWorkers: { kafka: { brokers: [broker.proxy.address] } },
  });
});

afterEach(() => faulty.close());

async function landsAfterFault(run: IngestHandle): Promise<void> {
  await faulty.landsOnce(run);
  assert.equal(broker.proxy.unused, 0, 'the fault was not met');
}

describe('23 a publish', () => {
  for (const [what, api, spared] of [
    ['the partition of its marker', API.addPartitions, 0],
    ['its partitions', API.addPartitions, 1],
    ['its messages', API.produce, 0],
    ['its marker', API.produce, 1],
    ['its commit', API.endTransaction, 0],
  ] as const) {
    test(`whose acknowledgement of ${what} is lost is in the topic once`, async () => {
      broker.proxy.plan(api, { kind: 'swallow-answer' }, 1, spared);
      await faulty.pipeline.startWorker();
      await landsAfterFault(await faulty.pipeline.start({ source: 'source' }));
    });
  }

  for (const [when, kind] of [
    ['right before the broker receives its commit', 'instead'],
    ['right after the broker has committed it', 'after'],
  ] as const) {
    test(`whose producer is killed ${when} is in the topic once`, async () => {
      const worker = await faulty.pipeline.startWorker();
      let isKilled = false;
      const run = async (): Promise<void> => {
        await worker.kill();
        isKilled = true;
      };
      broker.proxy.plan(API.endTransaction, { kind, run });
      const handle = await faulty.pipeline.start({ source: 'source' });
      await eventually('the worker is killed', () => isKilled, 60_000);
      await faulty.pipeline.startWorker();
      await landsAfterFault(handle);
    });
  }
});

/** Of the transaction. */
const COORDINATORS_ASKED_FOR = 1;

test('a publish looks up the coordinator of its transaction once', async () => {
  broker.proxy.plan(API.findCoordinator, { kind: 'cut' }, 1, COORDINATORS_ASKED_FOR);
  await faulty.pipeline.startWorker();
  await faulty.landsOnce(await faulty.pipeline.start({ source: 'source' }));
  assert.equal(broker.proxy.unused, 1, 'the request was repeated');
  broker.proxy.clear();
});

describe('23 of several chunks', () => {
  /** Three chunks of it, which one activity publishes. */
  const COUNT = 15_000;
  let several: FaultyPipeline;

  before(async () => {
    several = await FaultyPipeline.create({
      more: { kafka: { brokers: [broker.kafka.broker] }, limits: {} },
      ofWorkers: { kafka: { brokers: [broker.proxy.address] } },
      count: COUNT,
    });
    await several.pipeline.startWorker();
  });

  after(() => several.close());

  test('the second, whose commit is interrupted, and the third follow the first, and each is published once', async () => {
    broker.proxy.plan(API.endTransaction, { kind: 'swallow-answer' }, 1, 1);
    const run = await several.pipeline.start({ source: 'source' });
    const { outcome, steps } = await run.result();
    assert.equal(broker.proxy.unused, 0, 'the fault was not met');
    assert.equal(outcome, 'landed');
    assert.equal(steps.publish.recordsOut, COUNT);
    const { chunks, chunksPublished } = await queryStatus(run);
    assert.deepEqual([chunks, chunksPublished], [3, 3]);
    const { events } = await run.fetchHistory();
    const asked = (events ?? []).map(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name,
    );
    assert.equal(
      asked.filter((name) => name === 'publish').length,
      2,
      'one reports its progress, and one publishes the rest',
    );
    await requireInOrder(several);
  });
});

/** Makes sure that each user's attempts landed once each, in the order in which the customer gave them. */
async function requireInOrder({ pipeline, expected }: FaultyPipeline): Promise<void> {
  const verified = await pipeline.command('verify');
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const { stdout } = await pipeline.command(
    'query',
    '--json',
    `SELECT user_exam_id AS user, string_agg(keen_id, ' ' ORDER BY kafka_partition, kafka_offset) AS ids
     FROM attempts GROUP BY user_exam_id`,
  );
  const due = new Map<string, string>();
  for (const { user_exam_id: user, keen_id: id } of expected)
    due.set(user, due.has(user) ? `${due.get(user) ?? ''} ${id}` : id);
  const found = JSON.parse(stdout) as { user: string; ids: string }[];
  assert.deepEqual(new Map(found.map(({ user, ids }) => [user, ids])), due);
}

describe('24 a broker that is killed', () => {
  for (const [step, api] of [
    ['publish', API.produce],
    ['consume', API.fetch],
  ] as const) {
    test(`in the middle of ${step}, and restarted: the run continues, and every attempt lands once`, async () => {
      let isKilled = false;
      const fault: KafkaFault = {
        kind: 'instead',
        run: async () => {
          await broker.kafka.kill();
          isKilled = true;
        },
      };
      broker.proxy.plan(api, fault);
      await faulty.pipeline.startWorker();
      const run = await faulty.pipeline.start({ source: 'source' });
      await eventually('the broker is killed', () => isKilled, 60_000);
      await broker.kafka.restart();
      await landsAfterFault(run);
    });
  }
});

for (const [step, api] of [
  ['publish', API.produce],
  ['consume', API.fetch],
] as const) {
  test(`a broker that accepts a request of ${step} and never responds is detected within the timeout, and named`, async () => {
    broker.proxy.plan(api, { kind: 'freeze' }, 1_000);
    await faulty.pipeline.startWorker();
    const run = await faulty.pipeline.start({ source: 'source' });
    // A request has 10 s; those of publish are sent 7 times before the step fails and is retried.
    await eventually(`${step} fails`, async () => (await lastFailureOf(run)) !== '', 120_000);
    assert.match(await lastFailureOf(run), new RegExp(`${broker.proxy.address}.*gave no answer within 10 s`));
    broker.proxy.clear();
    await faulty.landsOnce(run);
  });
}

test('messages that are corrupted in transit are rejected and read again', async () => {
  broker.proxy.plan(API.fetch, { kind: 'spoil-answer' });
  await faulty.pipeline.startWorker();
  const run = await faulty.pipeline.start({ source: 'source' });
  await eventually('consume fails', async () => (await lastFailureOf(run)) !== '', 60_000);
  assert.match(await lastFailureOf(run), /\/\d: from offset \d+ on, messages are damaged: their checksum/);
  await landsAfterFault(run);
});

test('a read that ends while a lost response is outstanding does not reconnect', async () => {
  const [topic, options] = ['read-to-its-end', { ...OPTIONS, brokers: [broker.proxy.address] }];
  await ensureTopic(options, topic, { partitions: 1, replicationFactor: 1 });
  // More than one answer has.
  const set = { id: topic, topic, messages: inPieces(messages(120_000)) };
  const { ends } = await publishOnce(options, set);
  const ranges = [{ partition: 0, start: '0', end: ends[0] ?? '' }];
  broker.proxy.plan(API.fetch, { kind: 'cut' }, 1, 1);
  const reading = {
    onMessages: () => Promise.resolve(),
    isFull: () => true,
    idleTimeoutMs: 10_000,
    signal: new AbortController().signal,
  };
  assert.deepEqual(await readRanges(options, { topic, ranges }, reading), []);
  assert.equal(broker.proxy.unused, 0, 'the fault was not met');
  await sleep(1_000);
  assert.equal(broker.proxy.connections, 0);
});
