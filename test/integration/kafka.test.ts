import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { after, before, describe } from 'node:test';
import type { Producer } from 'kafkajs';
import { kafkaClient, topicOffsets, waitForOffsetsPast, withAdmin } from '../../adapters/kafka/client.ts';
import { readMarkers } from '../../adapters/kafka/marker-log.ts';
import { Publisher } from '../../adapters/kafka/publish.ts';
import { PipelineError } from '../../model/errors.ts';
import type { OffsetRange } from '../../model/references.ts';
import { codeOf } from '../support/harness.ts';
import {
  OPTIONS,
  PREFIX,
  inPieces,
  messages,
  newTopic,
  readMessages,
  readAll,
} from '../support/kafka-topic.ts';
import { publishOnce } from '../support/publish-once.ts';

/** Messages that need several fetch requests. */
const LARGE = 120_000;

describe('a set of messages', () => {
  test('is published once by any number of attempts, and each attempt returns its end offsets', async () => {
    const topic = await newTopic(3);
    const all = messages(1000);
    const first = await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(all) });
    const second = await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(all) });
    assert.equal(first.wasPublishedBefore, false);
    assert.deepEqual(second, { ends: first.ends, wasPublishedBefore: true });
    const { values } = await readAll(topic, first.ends);
    assert.deepEqual(values.sort(), all.map(({ value }) => String(value)).sort());
  });

  test('that failed half-way is not visible, and is complete after the next attempt', async () => {
    const topic = await newTopic(2);
    const all = messages(1000);
    await assert.rejects(publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(all, 500) }));
    const { ends } = await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(all) });
    const { values } = await readAll(topic, ends);
    assert.equal(values.length, 1000);
    assert.equal(new Set(values).size, 1000);
  });

  test('that follows another is sent when that is committed, not before', async () => {
    const topic = await newTopic(2);
    const all = messages(LARGE);
    const endsOf = async (): Promise<string[]> => (await topicOffsets(OPTIONS, topic)).map(({ end }) => end);
    const over = sleep(1_000).then(endsOf);
    const publisher = await Publisher.open(OPTIONS, topic);
    const published = publisher.publishOnce({ id: `${topic}/0`, messages: inPieces(all) }, over);
    assert.deepEqual(await over, ['0', '0'], 'something was sent before');
    const { ends } = await published;
    await publisher.close();
    const { values } = await readAll(topic, ends);
    assert.equal(values.length, LARGE);
    assert.equal(new Set(values).size, LARGE);
  });

  test('that follows one that fails is not visible, and is complete after the next attempt', async () => {
    const topic = await newTopic(2);
    const all = messages(LARGE);
    const failing = sleep(500).then(() => Promise.reject(new TypeError('the previous one failed')));
    const publisher = await Publisher.open(OPTIONS, topic);
    const first = publisher.publishOnce({ id: `${topic}/0`, messages: inPieces(all) }, failing);
    await assert.rejects(first, /the previous one failed/);
    const { wasPublishedBefore: wasBefore, ends } = await publisher.publishOnce({
      id: `${topic}/0`,
      messages: inPieces(all),
    });
    await publisher.close();
    assert.equal(wasBefore, false);
    const { ranges, values } = await readAll(topic, ends);
    assert.equal(new Set(values).size, LARGE);
    // Of the first try each partition has the abort's marker alone, since no message was sent.
    assert.deepEqual(
      ranges.map(({ start, end }) => Number(end) - Number(start)).reduce((sum, count) => sum + count),
      LARGE + ranges.length,
    );
  });

  test('is visible with its commit marker as soon as no earlier transaction is open', async () => {
    const topic = await newTopic(1);
    const other = kafkaClient(OPTIONS, 'other').producer({
      transactionalId: `${topic}-other`,
      idempotent: true,
    });
    await other.connect();
    const open = await other.transaction();
    await open.send({ topic, messages: [{ value: 'not committed yet' }] });
    const { ends } = await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(messages(3)) });
    assert.deepEqual(ends, { 0: '4' });
    const aborted = sleep(500).then(() => open.abort());
    const [shown] = await waitForOffsetsPast(OPTIONS, topic, ends);
    await aborted;
    await other.disconnect();
    assert.ok(Number(shown?.end) >= 5, `it ends at ${shown?.end ?? 'nothing'}`);
  });

  test('without a message gets a marker too, so that it is not published again', async () => {
    const topic = await newTopic(1);
    assert.deepEqual(await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces([]) }), {
      ends: {},
      wasPublishedBefore: false,
    });
    assert.deepEqual(await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces([]) }), {
      ends: {},
      wasPublishedBefore: true,
    });
  });

  test('of four concurrent attempts is published once', async () => {
    const topic = await newTopic(2);
    const all = messages(300);
    const tries = Array.from({ length: 4 }, async (_, who) => {
      // A try that is fenced fails; like a step, it comes again, and later each time.
      for (let tries = 1; ; tries += 1) {
        try {
          return await publishOnce(OPTIONS, { id: `${topic}/0`, topic, messages: inPieces(all) });
        } catch (error) {
          if (!(error instanceof PipelineError && error.code === 'PUBLISH_FENCED') || tries > 10) throw error;
          await sleep(20 * 2 ** tries + 30 * who);
        }
      }
    });
    const results = await Promise.all(tries);
    assert.equal((await readAll(topic, results[0]?.ends ?? {})).values.length, 300);
    assert.equal(new Set(results.map(({ ends }) => JSON.stringify(ends))).size, 1);
  });

  test('has a marker with its offsets', async () => {
    const topic = await newTopic(1);
    const id = `${topic}/0`;
    await publishOnce(OPTIONS, { id, topic, messages: inPieces(messages(3)) });
    const marker = (await readMarkers(OPTIONS, topic, [id, `${topic}/1`])).get(id);
    const [[partition, range] = []] = marker ?? [];
    assert.deepEqual([partition, range?.first, range?.end], [0, 0n, 3n]);
  });
});

describe('a range', () => {
  let topic: string;
  let producer: Producer;

  before(async () => {
    topic = await newTopic(1);
    producer = kafkaClient(OPTIONS, 'test').producer({
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    // 0-2 and a marker, 4-6 aborted and a marker, 8-10 and a marker.
    for (const [from, end] of [
      [0, 'commit'],
      [4, 'abort'],
      [8, 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      const some = [from, from + 1, from + 2].map((number) => ({ value: String(number) }));
      await transaction.send({ topic, messages: some });
      await transaction[end]();
    }
  });

  after(() => producer.disconnect());

  const range = (start: number, end: number): OffsetRange[] => [
    { partition: 0, start: String(start), end: String(end) },
  ];

  test('returns its committed messages, and none before or after', async () => {
    assert.deepEqual((await readMessages(topic, range(0, 12))).values, ['0', '1', '2', '8', '9', '10']);
    assert.deepEqual((await readMessages(topic, range(1, 3))).values, ['1', '2']);
    assert.deepEqual((await readMessages(topic, range(2, 9))).offsets, ['0:2', '0:8']);
  });

  test('of only transaction markers and aborted messages is read completely', async () => {
    for (const [start, end] of [
      [3, 4],
      [4, 7],
      [3, 8],
      [11, 12],
    ] as const) {
      assert.deepEqual(await readMessages(topic, range(start, end)), {
        ranges: range(start, end),
        values: [],
        offsets: [],
      });
    }
  });

  test('is read up to the reader’s limit, and the rest can be read afterwards', async () => {
    const many = await newTopic(2);
    const { ends } = await publishOnce(OPTIONS, {
      id: `${many}/0`,
      topic: many,
      messages: inPieces(messages(4000)),
    });
    const whole = await readAll(many, ends);
    let rest = whole.ranges;
    const seen: string[] = [];
    let reads = 0;
    while (rest.length > 0) {
      const part = await readMessages(many, rest, (count) => count >= 1000);
      seen.push(...part.offsets);
      reads += 1;
      const done = new Map(part.ranges.map(({ partition, end }) => [partition, end]));
      rest = rest
        .map((one) => ({ ...one, start: done.get(one.partition) ?? one.start }))
        .filter(({ start, end }) => start !== end);
    }
    assert(reads >= 3, `${reads} reads`);
    assert.equal(seen.length, 4000);
    assert.deepEqual([...seen].sort(), [...whole.offsets].sort());
  });

  test('behind an open transaction is waited for, fails with RANGE_STALLED, and is read when the transaction ends', async () => {
    const open = await newTopic(1);
    const transaction = await producer.transaction();
    await transaction.send({ topic: open, messages: [{ value: 'open' }] });
    const other = kafkaClient(OPTIONS, 'test').producer();
    await other.connect();
    await other.send({ topic: open, messages: [{ value: 'other' }] });
    await other.disconnect();
    assert.match(
      await codeOf(readMessages(open, range(0, 2))),
      /^RANGE_STALLED: .*\/0: offset 0 was not received within 5000 ms/,
    );
    await transaction.commit();
    assert.deepEqual((await readMessages(open, range(0, 2))).values, ['open', 'other']);
  });

  test('that retention deleted is named, and later messages are not returned in its place', async () => {
    const gone = await newTopic(1);
    await publishOnce(OPTIONS, { id: `${gone}/0`, topic: gone, messages: inPieces(messages(50)) });
    await withAdmin(OPTIONS, async (admin) => {
      // Without a look at the topic first, kafkajs does not know where its records are.
      await admin.fetchTopicOffsets(gone);
      await admin.deleteTopicRecords({ topic: gone, partitions: [{ partition: 0, offset: '20' }] });
    });
    assert.match(
      await codeOf(readMessages(gone, range(10, 40))),
      /^RANGE_GONE: .*\/0: offsets 10 to before 40 were to be read, but the topic now begins at offset 20/,
    );
    assert.match(await codeOf(readMessages(gone, range(5, 15))), /^RANGE_GONE/);
    assert.equal((await readMessages(gone, range(20, 40))).values.length, 20);
  });

  test('of several responses is returned as it was sent, even to a slow reader', async () => {
    const large = await newTopic(2);
    const sent = messages(LARGE).map((message) => String(message.value));
    const { ends } = await publishOnce(OPTIONS, {
      id: `${large}/0`,
      topic: large,
      messages: inPieces(messages(LARGE)),
    });
    // The next answer comes meanwhile.
    const { values } = await readAll(large, ends, () => sleep(2));
    assert.deepEqual(values.sort(), sent.sort());
  });

  test('leaves no consumer group behind', async () => {
    const groups = async (): Promise<string[]> => {
      const found = await withAdmin(OPTIONS, (admin) => admin.listGroups());
      return found.groups.map(({ groupId }) => groupId).sort();
    };
    const before = await groups();
    await readMessages(topic, range(0, 3));
    assert.deepEqual(await groups(), before);
  });
});

test('the error for an unreachable cluster names its address', async () => {
  const nowhere = { ...OPTIONS, brokers: ['127.0.0.1:9'] };
  assert.match(await codeOf(topicOffsets(nowhere, 'any')), /^KAFKA_UNREACHABLE: .*127\.0\.0\.1:9/);
});

test('the error for a topic that does not exist names it', async () => {
  assert.match(await codeOf(topicOffsets(OPTIONS, `${PREFIX}-none`)), /^KAFKA_REFUSED: /);
});
