import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { kafkaClient, topicOffsets, withAdmin } from '../../adapters/kafka/client.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { codesOf, requireFinding, VerifiedRun } from '../support/verified.ts';

describe('verify of a topic that changed', () => {
  let verified: VerifiedRun;

  before(async () => {
    verified = await VerifiedRun.land();
  });

  after(() => verified.close());

  test('names a message without a row', async () => {
    const copy = await verified.copy();
    const producer = kafkaClient(verified.pipeline.kafka, 'test').producer();
    await producer.connect();
    await producer.send({ topic: verified.topic, messages: [{ partition: 1, value: '{}' }] });
    await producer.disconnect();
    const offset = Number((await topicOffsets(verified.pipeline.kafka, verified.topic))[1]?.end) - 1;
    const txn = { appId: `${verified.topic}/1`, version: offset + 1 };
    for (const { name } of BATCH_TABLES) await copy.append(name, [{ txn }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['MESSAGE_NOT_LANDED']);
    requireFinding(
      answer,
      'MESSAGE_NOT_LANDED',
      `${verified.topic}/1`,
      new RegExp(`1 messages .* at the offsets: ${offset}$`),
    );
  });

  test('reports the offsets that Kafka no longer has, and checks the rest', async () => {
    await withAdmin(verified.pipeline.kafka, async (admin) => {
      // Else the client does not know the topic.
      await admin.fetchTopicOffsets(verified.topic);
      await admin.deleteTopicRecords({ topic: verified.topic, partitions: [{ partition: 0, offset: '50' }] });
    });
    const copy = await verified.copy();
    const whole = await copy.verify();
    assert.equal(whole.verified, true, JSON.stringify(whole.findings));
    assert.match(JSON.stringify(whole.notes), /Kafka no longer has the offsets 0 to 49; their 50 rows/);
    await copy.rewriteRows('deliveries', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 60)');
    requireFinding(await copy.verify(), 'MESSAGE_NOT_LANDED', `${verified.topic}/0`, /at the offsets: 60$/);
  });

  test('names messages that Kafka deleted before they landed', async () => {
    const copy = await verified.copy();
    for (const { name } of BATCH_TABLES) {
      await copy.rewriteLog(name, ({ txn, ...rest }) =>
        txn
          ? { ...rest, txn: { ...txn, version: txn.appId === `${verified.topic}/0` ? 40 : txn.version } }
          : rest,
      );
    }
    requireFinding(
      await copy.verify(),
      'MESSAGE_LOST',
      `${verified.topic}/0`,
      /before they landed: 40 to 49$/,
    );
  });

  test('names a deleted topic, and a recreated one', async () => {
    await withAdmin(verified.pipeline.kafka, (admin) => admin.deleteTopics({ topics: [verified.topic] }));
    const copy = await verified.copy();
    requireFinding(await copy.verify(), 'TOPIC_GONE', verified.topic, /no longer exists in Kafka/);
    await ensureTopic(verified.pipeline.kafka, verified.topic, { partitions: 2, replicationFactor: 1 });
    requireFinding(await copy.verify(), 'TOPIC_RESET', `${verified.topic}/1`, /the topic ends at 0$/);
  });
});
