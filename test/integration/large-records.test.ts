import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import kafkajs from 'kafkajs';
import { withAdmin } from '../../adapters/kafka/client.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import type { IngestResult } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline } from '../support/harness.ts';

const GOOD = [...generateAttempts({ seed: 5, count: 40 })];

/** Returns an attempt of about `bytes` bytes, padded in a field that no table has. */
function padded(bytes: number, fields: object = {}): string {
  const attempt = { ...GOOD[0], ...fields, padding: '' };
  const missing = bytes - Buffer.byteLength(JSON.stringify(attempt));
  return JSON.stringify({ ...attempt, padding: 'x'.repeat(Math.max(0, missing)) });
}

/** Its user id is in the record, and again in the message's key. */
const LONG_NAMED = padded(0, { user_exam_id: 'u'.repeat(600_000) });

const CONTENTS = {
  large: [padded(899_000), padded(901_000), padded(2_500_000), LONG_NAMED],
  narrow: [padded(50_000), padded(99_000), padded(101_000)],
};

let pipeline: TestPipeline;

before(async () => {
  pipeline = await TestPipeline.create({ large: { url: 'file:large' }, narrow: { url: 'file:narrow' } });
  const good = GOOD.map((attempt) => JSON.stringify(attempt));
  for (const [name, records] of Object.entries(CONTENTS))
    await pipeline.placeFiles({ [name]: `[${[...good, ...records].join(',')}]` });
  const { topic = '' } = pipeline.settings.sources['narrow'] ?? {};
  await ensureTopic(pipeline.kafka, topic, { partitions: 1, replicationFactor: 1 });
  await withAdmin(pipeline.kafka, (admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: 'max.message.bytes', value: '100000' }],
        },
      ],
    }),
  );
  await pipeline.startWorker();
});

after(() => pipeline.close());

async function refusedOf(source: string): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await pipeline.command(
    'query',
    '--json',
    `SELECT step, chunk_position AS position, octet_length(payload) AS bytes, reason FROM quarantine
     WHERE source = '${source}' ORDER BY chunk_position`,
  );
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Record<string, unknown>[];
}

async function ingest(source: string): Promise<IngestResult> {
  return (await pipeline.start({ source })).result();
}

test('records over the limit are quarantined completely before publishing, and the others land', async () => {
  const result = await ingest('large');
  assert.deepEqual([result.rows['attempts'], result.rows['deliveries']], [41, 41]);
  assert.equal(result.steps.publish.quarantined, 3);
  const refused = await refusedOf('large');
  assert.deepEqual(
    refused.map(({ step, position, bytes }) => [step, position, bytes]),
    [
      ['publish', 41, 901_000],
      ['publish', 42, 2_500_000],
      ['publish', 43, LONG_NAMED.length],
    ],
  );
  assert.equal(refused[0]?.['reason'], 'has 901000 bytes, more than the 900000 that a record may have');
  assert.match(
    String(refused[2]?.['reason']),
    /^makes a message of 12\d{5} bytes, more than the 1048588 that its topic takes$/,
  );
});

test('a topic’s max.message.bytes below the setting is the limit', async () => {
  const result = await ingest('narrow');
  assert.deepEqual([result.rows['attempts'], result.steps.publish.quarantined], [42, 1]);
  assert.deepEqual(
    (await refusedOf('narrow')).map(({ position, bytes }) => [position, bytes]),
    [[42, 101_000]],
  );
});

test('verify finds no inconsistency', async () => {
  const { code, stdout, stderr } = await pipeline.command('verify');
  assert.equal(code, 0, stdout + stderr);
});
