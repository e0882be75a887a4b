/** The topic of markers: what counts as a marker, and what does not hide one. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import kafkajs from 'kafkajs';
import { kafkaClient, withAdmin } from '../../adapters/kafka/client.ts';
import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import { markerTopicShape } from '../../adapters/kafka/marker-topic.ts';
import { encodeMarker, markerKey, markerPartition } from '../../adapters/kafka/markers.ts';
import { Publisher, type PublishedSet } from '../../adapters/kafka/publish.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { codeOf, eventually } from '../support/harness.ts';
import { OPTIONS, PREFIX, inPieces, messages, newTopic } from '../support/kafka-topic.ts';
import { transactionStates } from '../support/kafka-transactions.ts';
import { deleteMarkers } from '../support/markers.ts';
import { publishOnce } from '../support/publish-once.ts';

const COUNT = 30;

async function publishSet(topic: string, options = OPTIONS): Promise<PublishedSet> {
  return publishOnce(options, { id: `${topic}/0of1`, topic, messages: inPieces(messages(COUNT)) });
}

/** A message as the marker of a set of one message in partition 0. */
function markerMessage(topic: string, end = '1') {
  const key = markerKey(topic, `${topic}/0of1`);
  return { partition: markerPartition(key), key, value: encodeMarker({ 0: '0' }, { 0: end }) };
}

describe('a marker', () => {
  test('survives the loss of all consumer groups, which a broker forgets after seven days by default', async () => {
    const topic = await newTopic(2);
    const { ends } = await publishSet(topic);
    await withAdmin(OPTIONS, async (admin) => {
      const { groups } = await admin.listGroups();
      const own = groups.map(({ groupId }) => groupId).filter((id) => id.includes(topic));
      assert.deepEqual(own, [], 'publishing needs a group');
    });
    assert.deepEqual(await publishSet(topic), { ends, wasPublishedBefore: true });
  });

  test('is found behind an open transaction of another producer', async () => {
    const topic = await newTopic(1);
    const other = kafkaClient(OPTIONS, 'other').producer({ transactionalId: `${topic}-other` });
    await other.connect();
    const open = await other.transaction();
    const foreign = { ...markerMessage(topic), key: 'another key' };
    await open.send({ topic: OPTIONS.markerTopic, messages: [foreign] });
    const { ends } = await publishSet(topic);
    assert.deepEqual(await publishSet(topic), { ends, wasPublishedBefore: true });
    assert.equal((await readMarkers(OPTIONS, topic, [`${topic}/0of1`])).size, 1);
    await open.abort();
    await other.disconnect();
  });

  test('does not count if its transaction is aborted, or if it is outside of one', async () => {
    const topic = await newTopic(1);
    const producer = kafkaClient(OPTIONS, 'other').producer({ transactionalId: `${topic}-other` });
    await producer.connect();
    const aborted = await producer.transaction();
    await aborted.send({ topic: OPTIONS.markerTopic, messages: [markerMessage(topic)] });
    await aborted.abort();
    await producer.disconnect();
    const plain = kafkaClient(OPTIONS, 'other').producer();
    await plain.connect();
    await plain.send({ topic: OPTIONS.markerTopic, messages: [markerMessage(topic)] });
    await plain.disconnect();
    assert.equal((await readMarkers(OPTIONS, topic, [`${topic}/0of1`])).size, 0);
    assert.equal((await publishSet(topic)).wasPublishedBefore, false);
  });

  test('cannot be forged by a message in the topic of a source', async () => {
    const topic = await newTopic(1);
    const producer = kafkaClient(OPTIONS, 'other').producer({ transactionalId: `${topic}-other` });
    await producer.connect();
    const forged = await producer.transaction();
    await forged.send({ topic, messages: [{ ...markerMessage(topic), partition: 0 }] });
    await forged.commit();
    await producer.disconnect();
    assert.equal((await publishSet(topic)).wasPublishedBefore, false);
  });

  test('that a first look missed is found before the commit, and nothing is published twice', async () => {
    const topic = await newTopic(1);
    const producer = kafkaClient(OPTIONS, 'other').producer({ transactionalId: `${topic}-other` });
    await producer.connect();
    const publisher = await Publisher.open(OPTIONS, topic);
    // A commit between the look and the marker is what a look at a stale leader misses.
    const after = eventually('the transaction is open, after the look', async () => {
      return (await transactionStates(OPTIONS)).get(`publish:${topic}/0of1`) === 'Ongoing';
    }).then(async () => {
      const missed = await producer.transaction();
      await missed.send({ topic: OPTIONS.markerTopic, messages: [markerMessage(topic, '7')] });
      await missed.commit();
    });
    const published = publisher.publishOnce(
      { id: `${topic}/0of1`, messages: inPieces(messages(COUNT)) },
      after,
    );
    assert.deepEqual(await published, { ends: { 0: '7' }, wasPublishedBefore: true });
    await publisher.close();
    await producer.disconnect();
  });

  test('whose value another program wrote is an error that names its offset', async () => {
    const topic = await newTopic(1);
    const producer = kafkaClient(OPTIONS, 'other').producer({ transactionalId: `${topic}-other` });
    await producer.connect();
    const foreign = await producer.transaction();
    await foreign.send({ topic: OPTIONS.markerTopic, messages: [{ ...markerMessage(topic), value: 'x' }] });
    await foreign.commit();
    await producer.disconnect();
    assert.match(
      await codeOf(publishSet(topic)),
      /^KAFKA_REFUSED: pipeline-markers\/\d+\/\d+: the value of this marker is not a list of ranges/,
    );
  });
});

describe('the topic of markers', () => {
  test('is created with settings that keep the markers, and an expired marker is published again', async () => {
    const options = { ...OPTIONS, markerTopic: `${PREFIX}-markers`, markerRetention: '2d' };
    const topic = await newTopic(1);
    await publishSet(topic, options);
    const { resources } = await withAdmin(OPTIONS, (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: options.markerTopic }],
      }),
    );
    const config = new Map(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    assert.equal(config.get('retention.ms'), String(2 * 86_400_000));
    assert.equal(config.get('cleanup.policy'), 'delete');
    assert.equal(config.get('message.timestamp.type'), 'LogAppendTime');
    await deleteMarkers(options);
    assert.equal((await publishSet(topic, options)).wasPublishedBefore, false);
  });

  test('is read again by a publisher that has read a marker before it expired', async () => {
    const options = { ...OPTIONS, markerTopic: `${PREFIX}-expiring` };
    const topic = await newTopic(1);
    const publisher = await Publisher.open(options, topic);
    const publish = async (): Promise<boolean> => {
      const set = { id: `${topic}/0of1`, messages: inPieces(messages(COUNT)) };
      return (await publisher.publishOnce(set)).wasPublishedBefore;
    };
    assert.deepEqual([await publish(), await publish()], [false, true]);
    await deleteMarkers(options);
    assert.deepEqual([await publish(), await publish()], [false, true]);
    await publisher.close();
  });

  test('whose settings would lose markers is refused, with each wrong setting', async () => {
    const options = { ...OPTIONS, markerTopic: `${PREFIX}-wrong` };
    const { config = [] } = markerTopicShape(options);
    const wrong = config.map(({ name, value }) =>
      name === 'retention.ms' ? { name, value: '604800000' } : { name, value },
    );
    await ensureTopic(OPTIONS, options.markerTopic, { partitions: 2, replicationFactor: 1, config: wrong });
    assert.match(
      await codeOf(publishSet(await newTopic(1), options)),
      /^KAFKA_REFUSED: topic .*-wrong, of the markers .* has wrong settings: its number of partitions is 2, not 32; retention\.ms is 604800000, not 34560000000\. Correct/,
    );
  });
});
