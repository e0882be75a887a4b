import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { withAdmin } from '../../adapters/kafka/client.ts';
import { Publisher } from '../../adapters/kafka/publish.ts';
import { ensureTopic, topicNamesCollide } from '../../adapters/kafka/topics.ts';
import { PipelineError } from '../../model/errors.ts';
import { OPTIONS, PREFIX } from '../support/kafka-topic.ts';

const SHAPE = { partitions: 1, replicationFactor: 1 };
const TAKEN = `${PREFIX}.taken`;

before(() => ensureTopic(OPTIONS, TAKEN, SHAPE));

async function errorOf(work: Promise<unknown>): Promise<PipelineError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PipelineError, String(error));
  return error;
}

test('an existing topic is not changed by other settings', async () => {
  await ensureTopic(OPTIONS, TAKEN, { partitions: 3, replicationFactor: 3 });
  const { topics } = await withAdmin(OPTIONS, (admin) => admin.fetchTopicMetadata({ topics: [TAKEN] }));
  assert.equal(topics[0]?.partitions.length, 1);
});

for (const [what, topic, shape, says] of [
  [
    'a name that collides with another topic',
    `${PREFIX}_taken`,
    SHAPE,
    /INVALID_TOPIC_EXCEPTION: .*collides with.*\.taken/,
  ],
  [
    'more replicas than brokers',
    `${PREFIX}-replicas`,
    { ...SHAPE, replicationFactor: 3 },
    /INVALID_REPLICATION_FACTOR: .*kafka\.replicationFactor/,
  ],
  [
    'no partitions',
    `${PREFIX}-partitions`,
    { ...SHAPE, partitions: 0 },
    /INVALID_PARTITIONS: .*kafka\.partitions/,
  ],
  ['a name that Kafka does not allow', `${PREFIX}-é`, SHAPE, /INVALID_TOPIC_EXCEPTION/],
] as const) {
  test(`a topic with ${what} is a permanent error with the reason`, async () => {
    for (const work of [ensureTopic, Publisher.open.bind(Publisher)]) {
      const { code, canRetry, message } = await errorOf(work(OPTIONS, topic, shape));
      assert.deepEqual([code, canRetry], ['KAFKA_REFUSED', false]);
      assert.match(message, says);
      assert.ok(message.startsWith(`topic ${topic} cannot be created: `), message);
    }
    const existing = await withAdmin(OPTIONS, (admin) => admin.listTopics());
    assert.ok(!existing.includes(topic));
  });
}

test('a topic that several clients create at once is created once', async () => {
  const topic = `${PREFIX}-at-once`;
  await Promise.all([1, 2, 3].map(() => ensureTopic(OPTIONS, topic, SHAPE)));
});

test('Kafka treats a dot in a topic’s name like an underscore', () => {
  assert.ok(topicNamesCollide('a.b_c', 'a_b.c'));
  assert.ok(!topicNamesCollide('a.b', 'a-b'));
});
