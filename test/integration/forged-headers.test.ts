/** A client with write access to a topic sets the headers of the pipeline's own messages. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { kafkaClient } from '../../adapters/kafka/client.ts';
import type { Waiting } from '../../model/run.ts';
import { QuarantinedTopic, badAttempts, goodAttempts } from '../support/quarantined.ts';
import { TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';

type Headers = Readonly<Record<string, string>>;

const OWN_RECORDS = 10;

let pipeline: TestPipeline;
let topic: QuarantinedTopic;

before(async () => {
  pipeline = await TestPipeline.create({
    own: { url: 'file:own.ndjson', format: 'ndjson', quarantineLimit: 0.5 },
    neighbour: {},
  });
  const lines = goodAttempts(1, OWN_RECORDS).map((attempt) => JSON.stringify(attempt));
  await pipeline.placeFiles({ 'own.ndjson': lines.join('\n') });
  topic = new QuarantinedTopic(pipeline, 'own');
  await topic.make();
  await pipeline.startWorker();
});

after(() => pipeline.close());

/** Publishes in a transaction of another producer. */
async function forge(to: QuarantinedTopic, values: readonly object[], headers: Headers): Promise<void> {
  const options = {
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: `forger-${performance.now()}`,
  };
  const producer = kafkaClient(pipeline.kafka, 'others').producer(options);
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = values.map((value) => ({ value: JSON.stringify(value), headers: { ...headers } }));
  await transaction.send({ topic: to.topic, messages });
  await transaction.commit();
  await producer.disconnect();
}

async function waitingOf(run: IngestHandle): Promise<Waiting> {
  await eventually('the run waits', async () => {
    const { state } = await queryStatus(run);
    assert.ok(state === 'running' || state === 'waiting', `it is ${state}`);
    return state === 'waiting';
  });
  const { waiting } = await queryStatus(run);
  assert.ok(waiting !== null);
  return waiting;
}

async function rows(sql: string): Promise<unknown> {
  return JSON.parse((await pipeline.command('query', '--json', sql)).stdout) as unknown;
}

describe('a forged header', () => {
  test('source does not create rows of a source of another topic', async () => {
    const neighbour = new QuarantinedTopic(pipeline, 'neighbour');
    await neighbour.make();
    await neighbour.run('neighbour');
    await forge(neighbour, [...goodAttempts(2, 2), ...badAttempts(3, 1)], { source: 'own' });
    assert.equal((await neighbour.run('neighbour')).rows['attempts'], 2);
    for (const [table, count] of [
      ['deliveries', 2],
      ['attempts', 2],
      ['quarantine', 1],
    ] as const)
      assert.deepEqual(await rows(`SELECT source, count(*) AS n FROM ${table} GROUP BY source`), [
        { source: 'neighbour', n: count },
      ]);
  });

  test('chunk does not evade a quarantine limit', async () => {
    assert.equal((await topic.run('own')).rows['attempts'], OWN_RECORDS);
    const [first] = await topic.messages();
    const chunk = first?.headers['chunk']?.[0] ?? '';
    assert.match(chunk, /^own\/ndjson-[0-9a-f]{64}\/0of1$/);
    await forge(topic, [...badAttempts(4, 3), ...goodAttempts(5, 1)], { source: 'own', chunk });
    const run = await pipeline.start({ source: 'own' });
    const { code, message } = await waitingOf(run);
    assert.equal(code, 'QUARANTINE_LIMIT');
    assert.match(message, /^source own, as others published it: 3 of 4 records/);
    await run.executeUpdate('skip');
    assert.equal((await run.result()).rows['quarantine'], 3);
  });

  test('replay-of does not evade one either, and verify does not count it as a replay', async () => {
    const [replayed] = (await topic.list()).rows;
    const reference = replayed?.reference ?? '';
    await topic.quarantine('replay', reference);
    // A replayed message is recognised by its marker, and exempt from the limit.
    assert.equal((await topic.run('own')).rows['quarantine'], 1);
    await forge(topic, badAttempts(6, 2), { 'replay-of': reference });
    const run = await pipeline.start({ source: 'own' });
    assert.equal((await waitingOf(run)).code, 'QUARANTINE_LIMIT');
    await run.executeUpdate('skip');
    await run.result();
    const { verified, replays, notes } = await topic.verify();
    assert.ok(verified);
    assert.deepEqual(replays, { marked: 1, landed: 0, quarantinedAgain: 1, ahead: 0 });
    assert.ok(
      notes.some(({ message }) => message.startsWith('2 messages say by their header to be replays')),
    );
  });
});
