import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline, eventually } from '../support/harness.ts';

const SEED = 5;
const COUNT = 3000;

/** Several batches, so that a worker dies with one landed, one in work and more to come. */
const LIMITS = { limits: { batchMessages: 700 } };

const EXPECTED = rowsOf();

function rowsOf(): Record<string, number> {
  const rows = { attempts: 0, questions: 0, options: 0, keen_ids: 0 };
  const ids = new Set<string>();
  for (const attempt of generateAttempts({ seed: SEED, count: COUNT })) {
    rows.attempts += 1;
    ids.add(attempt.keen_id);
    for (const question of attempt.sequences.questions) {
      rows.questions += 1;
      rows.options += question.options.length;
    }
  }
  return { ...rows, keen_ids: ids.size };
}

async function requireWhole(pipeline: TestPipeline): Promise<void> {
  const { stdout, stderr } = await pipeline.command(
    'query',
    '--json',
    `SELECT count(*) AS attempts, (SELECT count(*) FROM questions) AS questions,
       (SELECT count(*) FROM options) AS options, count(DISTINCT keen_id) AS keen_ids FROM attempts`,
  );
  assert.deepEqual(JSON.parse(stdout), [EXPECTED], stderr);
  const verified = await pipeline.command('verify');
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
}

describe('a worker that is killed', () => {
  let platform: Platform;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: SEED, count: COUNT });
  });

  after(() => platform.close());

  for (const step of ['fetch', 'publish', 'consume', 'transform', 'land']) {
    test(`in ${step} and started again: every record lands once`, async () => {
      const pipeline = await TestPipeline.create({ source: { url: `${platform.url}/attempts` } }, LIMITS);
      try {
        // Slow enough that the worker dies in the middle of the download.
        if (step === 'fetch') platform.arm({ kind: 'slow', bytesPerSecond: 3_000_000 });
        const first = await pipeline.startWorker();
        const run = await pipeline.start({ source: 'source' });
        await eventually(
          `the run is in ${step}`,
          async () => (await pipeline.activitiesOf(run.workflowId)).includes(step),
          60_000,
        );
        await first.kill();
        await pipeline.startWorker();
        const result = await run.result();
        assert.equal(result.outcome, 'landed');
        await requireWhole(pipeline);
      } finally {
        await pipeline.close();
      }
    });
  }

  test('by a deployment drains: it ends by itself with success, and the next worker goes on', async () => {
    const pipeline = await TestPipeline.create({ source: { url: `${platform.url}/attempts` } }, LIMITS);
    try {
      const first = await pipeline.startWorker('one');
      const run = await pipeline.start({ source: 'source' });
      await eventually(
        'the run transforms',
        async () => (await pipeline.activitiesOf(run.workflowId)).includes('transform'),
        60_000,
      );
      assert.equal(await first.drain(), 0);
      assert.equal((await run.describe()).status.name, 'RUNNING');
      await pipeline.startWorker('one');
      assert.equal((await run.result()).outcome, 'landed');
      await requireWhole(pipeline);
    } finally {
      await pipeline.close();
    }
  });
});
