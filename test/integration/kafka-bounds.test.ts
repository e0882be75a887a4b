/** Messages of other producers that take more memory or time than their size lets expect. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import type { OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { DEFAULT_BATCH_DECODED_BYTES } from '../../model/settings-limits.ts';
import type { IngestResult } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline, eventually, queryStatus, type TestWorker } from '../support/harness.ts';
import { compressedBatch, produceBatches } from '../support/kafka-batches.ts';
import { inPieces } from '../support/kafka-topic.ts';
import type { Listed } from '../support/quarantined.ts';
import { publishOnce } from '../support/publish-once.ts';

const GOOD = [...generateAttempts({ seed: 11, count: 2 })].map((attempt) =>
  Buffer.from(JSON.stringify(attempt)),
);

let pipeline: TestPipeline;
let worker: TestWorker;

before(async () => {
  pipeline = await TestPipeline.create({ compressed: {}, headers: {} });
  worker = await pipeline.startWorker();
});

after(() => pipeline.close());

async function makeTopic(source: string): Promise<string> {
  const { topic = '' } = pipeline.settings.sources[source] ?? {};
  await ensureTopic(pipeline.kafka, topic, { partitions: 1, replicationFactor: 1 });
  return topic;
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await pipeline.command('query', '--json', sql);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Record<string, unknown>[];
}

async function verify(): Promise<string> {
  const { code, stdout, stderr } = await pipeline.command('verify');
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

describe('compressed batches of at most 1 MiB', () => {
  /** Compressed by lz4 they are 0.8 MiB each. */
  const BOMB_BYTES = 200 << 20;
  /** Less than a batch may take, more than a record may have. */
  const LARGE_BYTES = 15 << 20;
  /** A worker that has landed a batch has about 500 MiB. */
  const MAX_MEMORY = 1_200 << 20;
  const BOMBS = ['lz4', 'gzip', 'lz4', 'lz4', 'gzip', 'lz4'] as const;
  const messages: string[] = [];
  let topic: string;
  let result: IngestResult;

  before(async () => {
    topic = await makeTopic('compressed');
    const [first = Buffer.alloc(0), last = Buffer.alloc(0)] = GOOD;
    const bomb = Buffer.alloc(BOMB_BYTES, '[');
    const batches = { lz4: compressedBatch('lz4', bomb), gzip: compressedBatch('gzip', bomb) };
    await produceBatches(pipeline.kafka, topic, 0, [
      compressedBatch('lz4', first),
      ...BOMBS.map((codec) => batches[codec]),
      compressedBatch('snappy', Buffer.alloc(LARGE_BYTES, '[')),
      compressedBatch('gzip', last),
    ]);
    const run = await pipeline.start({ source: 'compressed' });
    for (let offset = 1; offset <= BOMBS.length; offset += 1) {
      const says = `/0: from offset ${offset} on`;
      const waits = async (): Promise<boolean> =>
        (await queryStatus(run)).waiting?.message.includes(says) === true;
      await eventually(`the run waits at offset ${offset}`, waits, 60_000);
      const { waiting } = await queryStatus(run);
      assert.deepEqual(
        [waiting?.step, waiting?.code, waiting?.canSkip],
        ['consume', 'KAFKA_BATCH_UNREADABLE', true],
      );
      messages.push(waiting?.message ?? '');
      const { code, stdout, stderr } = await pipeline.command('skip', run.workflowId);
      assert.equal(code, 0, stdout + stderr);
    }
    result = await run.result();
  });

  test('that decompress to hundreds of MiB do not exceed the worker’s memory limit', () => {
    const peak = worker.peakMemory();
    assert.ok(peak < MAX_MEMORY, `the worker had ${peak >> 20} MiB`);
  });

  test('make the run wait at each, with its offsets and advice, and can be skipped', () => {
    for (const [at, message] of messages.entries()) {
      assert.match(
        message,
        new RegExp(`/0: from offset ${at + 1} on, .* the batch ends at offset ${at + 1}`),
      );
      assert.match(
        message,
        new RegExp(`more than the ${DEFAULT_BATCH_DECODED_BYTES} bytes .*limits\\.batchDecodedBytes`),
      );
    }
    assert.equal(result.outcome, 'landed');
    assert.deepEqual([result.rows['deliveries'], result.rows['quarantine']], [2, 1]);
  });

  test('are recorded by the skipped offsets, not by the whole range', async () => {
    const expected = messages.map((_, at) => ({
      step: 'consume',
      what: `${topic}/0 ${at + 1} to before ${at + 2}`,
      code: 'KAFKA_BATCH_UNREADABLE',
    }));
    assert.deepEqual(result.skipped, expected);
    const [run] = await query(`SELECT skipped FROM runs WHERE source = 'compressed'`);
    assert.deepEqual(JSON.parse(String(run?.['skipped'])), expected);
  });

  test('with a message over the record limit: it is quarantined completely', async () => {
    assert.deepEqual(await query(`SELECT reason, octet_length(payload) AS bytes FROM quarantine`), [
      { reason: 'has 15728640 bytes, more than the 900000 that a record may have', bytes: LARGE_BYTES },
    ]);
  });

  test('pass verify, which counts the skipped offsets', async () => {
    assert.match(
      await verify(),
      /verified: 9 offsets = 2 deliveries \+ 1 quarantined \+ 0 gaps \+ 6 skipped/,
    );
  });
});

describe('messages with too many headers, or too long a key', () => {
  const MANY = 60_000;
  const [value = Buffer.alloc(0)] = GOOD;
  const sameName = { source: ['headers'], same: Array.from({ length: MANY }, (_, at) => String(at)) };
  const names = Object.fromEntries(Array.from({ length: MANY }, (_, at) => [`h${at}`, '']));
  const all: OutgoingMessage[] = [
    { key: null, value, headers: sameName },
    { key: null, value, headers: names },
    { key: null, value, headers: { long: 'x'.repeat(200_000) } },
    { key: Buffer.alloc(900_001, 'k'), value, headers: {} },
    {
      key: null,
      value,
      headers: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`h${at}`, ''])),
    },
  ];

  before(async () => {
    const topic = await makeTopic('headers');
    await publishOnce(pipeline.kafka, { id: topic, topic, messages: inPieces(all) });
    const result = await (await pipeline.start({ source: 'headers' })).result();
    assert.deepEqual([result.rows['deliveries'], result.rows['quarantine']], [1, 4]);
  });

  test('are quarantined with their counts and only their first headers, complete otherwise', async () => {
    const rows = await query(
      `SELECT reason, headers, CAST(payload AS VARCHAR) AS payload, octet_length(key) AS key_bytes FROM quarantine
       WHERE source = 'headers' ORDER BY kafka_offset`,
    );
    assert.deepEqual(
      rows.map(({ reason }) => String(reason).replace(/ of \d+ bytes/, '')),
      [
        'has 60001 headers, more than the 1000 headers or the 131072 bytes that a message may have; the first 100 are kept',
        'has 60000 headers, more than the 1000 headers or the 131072 bytes that a message may have; the first 100 are kept',
        'has 1 headers, more than the 1000 headers or the 131072 bytes that a message may have; the first 0 are kept',
        'its key has 900001 bytes, more than the 900000 that a record may have',
      ],
    );
    assert.deepEqual(
      rows.map(({ headers }) => (JSON.parse(String(headers)) as unknown[]).length),
      [100, 100, 0, 0],
    );
    assert.equal(rows[3]?.['key_bytes'], 900_001);
  });

  test('can be listed, shown and replayed, and then land', async () => {
    const listed = await pipeline.command('quarantine', 'list', '--json', '--source', 'headers');
    assert.equal(listed.code, 0, listed.stderr);
    const { rows } = JSON.parse(listed.stdout) as Listed;
    assert.equal(rows.length, 4);
    for (const { reference } of rows) {
      const shown = await pipeline.command('quarantine', 'show', reference);
      assert.equal(shown.code, 0, shown.stderr);
    }
    const tooMany = rows.find(({ reason }) => reason.startsWith('has 60001 headers'));
    const replayed = await pipeline.command('quarantine', 'replay', '--yes', tooMany?.reference ?? '');
    assert.equal(replayed.code, 0, replayed.stdout + replayed.stderr);
    const result = await (await pipeline.start({ source: 'headers' })).result();
    assert.deepEqual([result.rows['deliveries'], result.rows['quarantine'] ?? 0], [1, 0]);
  });

  test('pass verify', async () => {
    assert.match(await verify(), /^verified: /m);
  });
});
