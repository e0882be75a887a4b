import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import zlib from 'node:zlib';
import { FilledTopics, attemptMessages, sumsOf, type ProducerName } from './producers/filled-topics.ts';
import { kcatMissing } from './producers/kcat.ts';
import type { Codec, Guarantee, TestMessage } from './producers/message.ts';

/** Of each first publication: over 64 KB a partition, so that it is several blocks of every compression. */
const FIRST = 60;
const MORE = 25;
const PARTITIONS = 2;

const NO_KCAT = kcatMissing();
const NO_ZSTD =
  !('zstdDecompress' in zlib) && 'this Node reads no zstd; topics-kinds.test.ts has what happens then';

interface Feed {
  readonly producer: ProducerName;
  readonly codec: Codec;
  readonly guarantee: Guarantee;
  readonly source: string;
  /** Its attempts are its own. */
  readonly seed: number;
}

/** Each producer with each compression that it has; each of its guarantees with one or more. */
const FEEDS: readonly Feed[] = (
  [
    ['kafkajs', 'none', 'idempotent'],
    ['kafkajs', 'gzip', 'transactional'],
    ['kafkajs', 'snappy', 'plain'],
    ['kafkajs', 'lz4', 'transactional'],
    ['java', 'none', 'transactional'],
    ['java', 'gzip', 'idempotent'],
    ['java', 'snappy', 'transactional'],
    ['java', 'lz4', 'plain'],
    ['java', 'zstd', 'transactional'],
    ['kcat', 'none', 'plain'],
    ['kcat', 'gzip', 'transactional'],
    ['kcat', 'snappy', 'idempotent'],
    ['kcat', 'lz4', 'transactional'],
    ['kcat', 'zstd', 'plain'],
  ] as const
).map(([producer, codec, guarantee], at) => ({
  producer,
  codec,
  guarantee,
  source: `${producer}-${codec}`,
  seed: 100 + at,
}));

describe('a topic that other producers fill', () => {
  let topics: FilledTopics;
  const filled: Feed[] = [];

  before(async () => {
    topics = await FilledTopics.open(Object.fromEntries(FEEDS.map(({ source }) => [source, {}])));
  });

  after(() => topics.close());

  const publish = ({ producer, source, ...how }: Feed, messages: readonly TestMessage[]) =>
    topics.publish[producer]({ ...how, topic: topics.topicOf(source) }, messages);

  describe('lands once, and afterwards its new messages', { concurrency: 4 }, () => {
    for (const feed of FEEDS) {
      const { producer, codec, guarantee, source, seed } = feed;
      const skip = (producer === 'kcat' && NO_KCAT) || (codec === 'zstd' && NO_ZSTD);
      test(`from ${producer}, ${codec}, ${guarantee}`, { skip }, async () => {
        await topics.makeTopic(source, PARTITIONS);
        await publish(feed, attemptMessages(seed, FIRST));
        const first = await topics.run(source);
        assert.deepEqual([first.outcome, first.rows['deliveries']], ['landed', FIRST]);
        const again = await topics.run(source);
        assert.deepEqual([again.outcome, again.batches], ['nothing-new', 0]);
        await publish(feed, attemptMessages(seed, MORE, FIRST));
        const more = await topics.run(source);
        assert.deepEqual([more.outcome, more.rows['deliveries']], ['landed', MORE]);
        filled.push(feed);
      });
    }
  });

  test('has landed exactly what was published, byte for byte', async () => {
    assert(filled.length > 0);
    const rows = await topics.query<{ source: string; sums: string[]; keen_ids: number }>(
      `SELECT d.source, list(sha256(payload) ORDER BY sha256(payload)) AS sums,
         count(DISTINCT keen_id)::INTEGER AS keen_ids
       FROM deliveries d JOIN attempts USING (kafka_topic, kafka_partition, kafka_offset) GROUP BY ALL`,
    );
    const found = new Map(rows.map(({ source, ...rest }) => [source, rest]));
    assert.equal(found.size, filled.length);
    for (const { source, seed } of filled) {
      const published = attemptMessages(seed, FIRST + MORE);
      const ids = published.map(({ value }) => (JSON.parse(String(value)) as { keen_id: string }).keen_id);
      assert.deepEqual(found.get(source), { sums: sumsOf(published), keen_ids: new Set(ids).size }, source);
    }
  });

  test('passes verify', async () => {
    const { code, stdout, stderr } = await topics.pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });

  test('can be read from the middle of a compressed batch', async () => {
    for (const { source, codec } of filled) {
      if (codec === 'none') continue;
      const offsets = await topics.offsetsIn(topics.topicOf(source), 7, 13);
      assert.deepEqual(offsets, ['7', '8', '9', '10', '11', '12'], source);
    }
  });
});
