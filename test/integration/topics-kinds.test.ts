import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import zlib from 'node:zlib';
import { eventually, queryStatus } from '../support/harness.ts';
import { FilledTopics, attemptMessages, sumsOf } from './producers/filled-topics.ts';

const ZSTD = 'zstdDecompress' in zlib && 'this Node reads zstd';

/** The cleaner of a broker looks for work every 15 s. */
const COMPACTION_TIMEOUT_MS = 60_000;

describe('a topic', () => {
  let topics: FilledTopics;

  before(async () => {
    topics = await FilledTopics.open({ compacted: {}, transactions: {}, unmade: {}, unreadable: {} });
    await fillCompacted();
  });

  after(() => topics.close());

  /** Twenty keys, three times; each time a segment, of which the last but one is compacted. */
  async function fillCompacted(): Promise<void> {
    const topic = await topics.makeTopic('compacted', 1, {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0',
      'segment.ms': '1',
    });
    for (const from of [0, 20, 40, 60]) {
      const messages = attemptMessages(8, 20, from).map(({ value }, at) => ({
        key: Buffer.from(`key ${at}`),
        value,
      }));
      await topics.publish.java({ topic, codec: 'snappy', guarantee: 'plain' }, messages);
    }
  }

  test('with nested transactions lands the committed messages, and none of the aborted', async () => {
    const topic = await topics.makeTopic('transactions');
    const { java } = topics;
    const committed = await java.open({
      'transactional.id': `${topic}-committed`,
      'compression.type': 'lz4',
    });
    const aborted = await java.open({ 'transactional.id': `${topic}-aborted`, 'compression.type': 'gzip' });
    const plain = await java.open({ 'compression.type': 'snappy' });
    const send = async (producer: string, at: number) => {
      await java.send(producer, topic, attemptMessages(7, 5, at));
      await java.tell('flush', producer);
    };
    await java.tell('begin', committed);
    await java.tell('begin', aborted);
    await send(committed, 0);
    await send(aborted, 5);
    await send(plain, 10);
    await send(aborted, 15);
    await send(committed, 20);
    await java.tell('abort', aborted);
    await send(plain, 25);
    await java.tell('commit', committed);
    await topics.shows(topic, 30n);
    const { rows, gaps } = await topics.run('transactions');
    // Ten aborted messages and two markers.
    assert.deepEqual([rows['deliveries'], gaps], [20, 12]);
    const expected = [0, 10, 20, 25].flatMap((at) => attemptMessages(7, 5, at));
    assert.deepEqual(await topics.landedOf(topic), sumsOf(expected));
  });

  test('that does not exist is created, and lands when a producer fills it', async () => {
    assert.equal((await topics.run('unmade')).outcome, 'nothing-new');
    const topic = topics.topicOf('unmade');
    await topics.publish.kafkajs({ topic, codec: 'none', guarantee: 'plain' }, attemptMessages(6, 5));
    assert.equal((await topics.run('unmade')).rows['deliveries'], 5);
  });

  test(
    'with a compression that this Node does not support lands up to there, and waits for a decision',
    { skip: ZSTD },
    async () => {
      const topic = await topics.makeTopic('unreadable', 3);
      const inPartition = (partition: number) =>
        attemptMessages(5, 10).map((message) => ({ ...message, partition }));
      const readable = [0, 1, 2].flatMap(inPartition);
      await topics.publish.java({ topic, codec: 'gzip', guarantee: 'plain' }, readable);
      await topics.publish.java({ topic, codec: 'zstd', guarantee: 'plain' }, inPartition(1));
      const handle = await topics.pipeline.start({ source: 'unreadable' });
      await eventually('the run waits', async () => (await queryStatus(handle)).waiting !== null);
      const { waiting } = await queryStatus(handle);
      assert.deepEqual([waiting?.step, waiting?.code], ['consume', 'KAFKA_CODEC_MISSING']);
      const said = `${topic}/1: from offset \\d+ on, messages are compressed with zstd, which Node reads from 22.15`;
      assert.match(waiting?.message ?? '', new RegExp(`^${said}`));
      assert.match(waiting?.advice ?? '', /Skip omits this one Kafka batch/);
      await handle.executeUpdate('abort');
      await assert.rejects(handle.result());
      const held = await topics.pipeline.warehouse.table('deliveries').snapshot();
      const landed = [...(held?.txns ?? [])].filter(([appId]) => appId.startsWith(`${topic}/`));
      assert.deepEqual(
        landed.sort(),
        [0, 1, 2].map((partition) => [`${topic}/${partition}`, 10n]),
      );
    },
  );

  test('that is compacted lands the messages that are left', async () => {
    const topic = topics.topicOf('compacted');
    await eventually(
      'it is compacted',
      async () => (await topics.offsetsIn(topic, 0, 80)).length === 40,
      COMPACTION_TIMEOUT_MS,
    );
    assert.deepEqual(await topics.offsetsIn(topic, 0, 20), [], 'what is gone is passed');
    const { rows, gaps, offsets } = await topics.run('compacted');
    assert.deepEqual([rows['deliveries'], gaps], [40, 40]);
    assert.deepEqual(offsets, [{ partition: 0, start: '0', end: '80' }]);
    assert.deepEqual(await topics.landedOf(topic), sumsOf(attemptMessages(8, 40, 40)));
    assert.equal((await topics.run('compacted')).outcome, 'nothing-new');
  });
});
