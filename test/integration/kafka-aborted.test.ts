import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import type { Producer, Transaction } from 'kafkajs';
import { kafkaClient, waitForOffsetsPast } from '../../adapters/kafka/client.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { createLogger } from '../../adapters/log.ts';
import { SERVERS } from '../support/harness.ts';

const kafka = { brokers: [SERVERS.kafka], logger: createLogger('test', 'fatal') };
const NAMES = ['first', 'second', 'third'] as const;
type Name = (typeof NAMES)[number];

let producers: Record<Name, Producer>;
let topic: string;

before(async () => {
  const client = kafkaClient(kafka, 'others');
  const unique = `${process.pid}-${Date.now().toString(36)}`;
  const producer = (name: Name): Producer =>
    client.producer({ transactionalId: `${unique}-${name}`, idempotent: true, maxInFlightRequests: 1 });
  producers = { first: producer('first'), second: producer('second'), third: producer('third') };
  for (const name of NAMES) await producers[name].connect();
});

after(async () => {
  for (const name of NAMES) await producers[name].disconnect();
});

beforeEach(async () => {
  topic = `aborted-${process.pid}-${Date.now().toString(36)}`;
  await ensureTopic(kafka, topic, { partitions: 1, replicationFactor: 1 });
});

async function send(transaction: Transaction, ...values: string[]): Promise<void> {
  await transaction.send({ topic, messages: values.map((value) => ({ value })) });
}

/**
 * The committed messages from an offset on.
 * @param end How many offsets there are, with those of the markers, which a broker writes after it has confirmed that
 * a transaction ended.
 */
async function committedFrom(start: number, end: number): Promise<string[]> {
  const [offsets] = await waitForOffsetsPast(kafka, topic, { 0: String(end - 1) });
  assert.equal(offsets?.end, String(end));
  const values: string[] = [];
  await readRanges(
    kafka,
    { topic, ranges: [{ partition: 0, start: String(start), end: String(end) }] },
    {
      onMessages: (_, messages) => {
        values.push(...messages.map(({ value }) => String(value)));
        return Promise.resolve();
      },
      isFull: () => false,
      idleTimeoutMs: 10_000,
      signal: new AbortController().signal,
    },
  );
  return values;
}

test('a transaction that began before another, and was aborted after it, is not read', async () => {
  const first = await producers.first.transaction();
  await send(first, 'a0', 'a1');
  const second = await producers.second.transaction();
  await send(second, 'b0', 'b1');
  await second.abort();
  const third = await producers.third.transaction();
  await send(third, 'c0');
  await third.commit();
  await first.abort();
  assert.deepEqual(await committedFrom(0, 8), ['c0']);
});

test('nothing is read of two aborted transactions if the read begins within them', async () => {
  const first = await producers.first.transaction();
  await send(first, 'a0');
  const second = await producers.second.transaction();
  await send(second, 'b0', 'b1', 'b2');
  await first.abort();
  await send(second, 'b3');
  await second.abort();
  const third = await producers.third.transaction();
  await send(third, 'c0');
  await third.commit();
  for (const start of [0, 1, 2, 3]) assert.deepEqual(await committedFrom(start, 9), ['c0'], `from ${start}`);
});

test('all messages are read of a transaction that commits while others around it abort', async () => {
  const first = await producers.first.transaction();
  const second = await producers.second.transaction();
  const third = await producers.third.transaction();
  await send(first, 'a0');
  await send(third, 'c0');
  await send(second, 'b0');
  await second.abort();
  await send(third, 'c1');
  await first.abort();
  await send(third, 'c2');
  await third.commit();
  assert.deepEqual(await committedFrom(0, 8), ['c0', 'c1', 'c2']);
});
