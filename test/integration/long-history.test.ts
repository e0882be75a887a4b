import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';

/** Forty batches, of about twenty events each. The services suggest to continue as new at 500 events. */
const ATTEMPTS = 2_000;
const BATCH_MESSAGES = 50;

/** Returns small attempts, one a line. */
function content(): string {
  const exam = '"base_exam_id":"b","exam_name":"e","started_at":"2018-01-01T00:00:00Z"';
  const sequences = '"sequences":{"questions":[{"id":"q","options":[{"id":"o"}]}]}';
  const attempts = Array.from(
    { length: ATTEMPTS },
    (_, at) => `{"keen_id":"k${at}","user_exam_id":"u${at}",${exam},${sequences}}`,
  );
  return attempts.join('\n');
}

describe('a run of many batches', () => {
  let pipeline: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create(
      { many: { url: 'file:many.ndjson', format: 'ndjson' } },
      { limits: { batchMessages: BATCH_MESSAGES } },
    );
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  test(
    'continues as new before its history grows long, and counts as one run',
    { timeout: 180_000 },
    async () => {
      const handle = await pipeline.start({ source: 'many' });
      // A person decides in the first history, and the last one still says so.
      await eventually('it waits for its file', async () => (await queryStatus(handle)).state === 'waiting');
      await pipeline.placeFiles({ 'many.ndjson': content() });
      await handle.executeUpdate('retry', { args: [{ by: 'ada', reason: 'the file is there' }] });
      const result = await handle.result();
      assert.equal(result.outcome, 'landed');
      assert.deepEqual(
        result.decisions.latest.map(({ decision, by, reason }) => [decision, by, reason]),
        [['retry', 'ada', 'the file is there']],
      );
      assert.equal(result.content?.records, ATTEMPTS);
      for (const step of ['fetch', 'publish', 'consume', 'transform', 'land'] as const)
        assert.equal(result.steps[step].recordsOut, ATTEMPTS, step);
      assert.equal(result.rows['attempts'], ATTEMPTS);
      const latest = await pipeline.client.workflow.getHandle(handle.workflowId).describe();
      assert.notEqual(latest.runId, handle.firstExecutionRunId);
      assert.ok(latest.historyLength < 1_000, `the latest history has ${latest.historyLength} events`);
      const { stdout } = await pipeline.command('list', '--json');
      assert.equal((JSON.parse(stdout) as unknown[]).length, 1);
      const verified = await pipeline.command('verify');
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    },
  );
});
