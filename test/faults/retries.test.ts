/** Faults 15 and 16: what comes into a topic, and becomes of it, between two tries of a step. */
import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach, describe } from 'node:test';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { queryStatus, eventually, type IngestHandle } from '../support/harness.ts';
import { API } from '../support/kafka-proxy.ts';
import { ProxiedKafka } from '../support/proxied-kafka.ts';
import { requireContent, requireExactly } from './content.ts';
import { OtherTopic, waitForResult, someAttempts } from './other-topic.ts';

const FIRST = someAttempts(1, 60);
const MORE = someAttempts(2, 90);

let broker: ProxiedKafka;
let hdfs: FaultyHdfs;
let other: OtherTopic;

before(async () => {
  broker = await ProxiedKafka.start();
  hdfs = await FaultyHdfs.start('retries');
});

after(async () => {
  await broker.stop();
  await hdfs.stop();
});

beforeEach(async () => {
  hdfs.clear();
  other = await OtherTopic.create(
    { kafka: { brokers: [broker.kafka.broker] } },
    { kafka: { brokers: [broker.proxy.address] }, hdfs: { nameNodes: [hdfs.nameNode.address] } },
  );
  await other.publish(FIRST);
});

afterEach(() => other.pipeline.close());

describe('15 more messages are published between two attempts', () => {
  /** The run must land what its first try saw, and leave the rest to the next. */
  async function landsFirstAlone(handle: IngestHandle): Promise<void> {
    const result = await waitForResult(handle);
    assert.deepEqual(
      [result.outcome, result.batches, result.rows['deliveries']],
      ['landed', 1, FIRST.length],
    );
    await requireExactly(other.pipeline, FIRST);
    const next = await other.run();
    assert.deepEqual([next.outcome, next.rows['deliveries']], ['landed', MORE.length]);
    await requireExactly(other.pipeline, [...FIRST, ...MORE]);
  }

  test('15 of consume: the batch does not change', async () => {
    broker.proxy.plan(API.fetch, { kind: 'instead', run: () => other.publish(MORE) });
    await other.pipeline.startWorker();
    await landsFirstAlone(await other.start());
    assert.equal(broker.proxy.unused, 0);
  });

  test('15 of land, which another worker retries: the batch does not change', async () => {
    const first = await other.pipeline.startWorker();
    let isKilled = false;
    const run = async (): Promise<void> => {
      await other.publish(MORE);
      await first.kill();
      isKilled = true;
    };
    hdfs.nameNode.plan(/PUT \S*\/deliveries\/_scratch\/\S*op=RENAME/, { kind: 'before', run });
    const handle = await other.start();
    await eventually('the worker is killed', () => isKilled, 60_000);
    await other.pipeline.startWorker();
    await landsFirstAlone(handle);
  });
});

test('16 a topic that is recreated between two attempts of consume is detected, even if it has as many messages', async () => {
  const run = async (): Promise<void> => {
    await other.delete();
    await other.make();
    await other.publish(MORE);
  };
  broker.proxy.plan(API.fetch, { kind: 'instead', run });
  await other.pipeline.startWorker();
  const handle = await other.start();
  await eventually('the run waits', async () => (await queryStatus(handle)).state === 'waiting', 90_000);
  const { waiting } = await queryStatus(handle);
  assert.equal(waiting?.code, 'TOPIC_RESET');
  await handle.executeUpdate('abort');
  await assert.rejects(handle.result());
  // No batch of the new messages was begun, so the next run may land them.
  assert.equal((await other.run()).outcome, 'landed');
  await requireContent(other.pipeline, MORE);
});
