import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { topicOffsets, withAdmin } from '../../adapters/kafka/client.ts';
import type { IngestResult, Waiting } from '../../model/run.ts';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';
import { QuarantinedTopic, badAttempts, goodAttempts } from '../support/quarantined.ts';

type Run = Awaited<ReturnType<TestPipeline['start']>>;

async function waitingOf(run: Run): Promise<Waiting> {
  await eventually(
    `${run.workflowId} waits`,
    async () => (await queryStatus(run)).state === 'waiting',
    60_000,
  );
  const { waiting } = await queryStatus(run);
  assert(waiting !== null);
  return waiting;
}

/** The result of a run whose limit was skipped. */
function requirePastLimit({ skipped }: IngestResult, step: string): void {
  assert.deepEqual(
    skipped.map(({ code, ...one }) => [one.step, code]),
    [[step, 'QUARANTINE_LIMIT']],
  );
}

describe('a source with a quarantine limit, whose feed is fetched', () => {
  let pipeline: TestPipeline;

  before(async () => {
    const limit = { quarantineLimit: 0.1 };
    pipeline = await TestPipeline.create({
      retried: { url: 'file:retried', ...limit },
      skipped: { url: 'file:skipped', ...limit },
      aborted: { url: 'file:aborted', ...limit },
      fine: { url: 'file:fine', ...limit },
    });
    const bad = JSON.stringify([...goodAttempts(1, 2), ...badAttempts(2, 1)]);
    const fine = JSON.stringify([...goodAttempts(3, 18), ...badAttempts(4, 2)]);
    await pipeline.placeFiles({ retried: bad, skipped: bad, aborted: bad, fine });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  /** How many messages the topic of a source has, transaction markers among them. */
  async function messagesOf(source: string): Promise<number> {
    const topic = `${pipeline.name}-${source}`;
    const topics = await withAdmin(pipeline.kafka, (admin) => admin.listTopics());
    if (!topics.includes(topic)) return 0;
    const offsets = await topicOffsets(pipeline.kafka, topic);
    return offsets.reduce((sum, { end }) => sum + Number(end), 0);
  }

  async function stopped(source: string): Promise<Run> {
    const run = await pipeline.start({ source });
    const waiting = await waitingOf(run);
    assert.deepEqual([waiting.step, waiting.code, waiting.canSkip], ['fetch', 'QUARANTINE_LIMIT', true]);
    assert.equal(
      waiting.message,
      `source ${source}, as fetched: 1 of 3 records, 33.3 %, would go into quarantine, more than the ` +
        'quarantineLimit of 10 %: 1 × max_attempts must be a whole number of 32 bits, is another text',
    );
    assert.match(waiting.advice, /Skip ignores the limit, not the records/);
    assert.equal(await messagesOf(source), 0);
    return run;
  }

  test('continues below the limit', async () => {
    const result = await (await pipeline.start({ source: 'fine' })).result();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine'], result.skipped], [18, 2, []]);
    assert.deepEqual(result.reasons, {
      named: [
        {
          step: 'transform',
          path: 'max_attempts',
          reason: 'must be a whole number of 32 bits, is another text',
          count: 2,
        },
      ],
      others: 0,
    });
  });

  test('waits before anything is published, and a retry fetches the corrected content', async () => {
    const run = await stopped('retried');
    await pipeline.placeFiles({ retried: JSON.stringify(goodAttempts(1, 3)) });
    await run.executeUpdate('retry');
    const result = await run.result();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine'], result.skipped], [3, 0, []]);
  });

  test('publishes everything when the limit is skipped, and records the skip', async () => {
    const run = await stopped('skipped');
    const shown = await pipeline.command('status', run.workflowId);
    assert.match(shown.stdout, /pipeline skip /);
    await run.executeUpdate('skip');
    const result = await run.result();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine']], [2, 1]);
    requirePastLimit(result, 'fetch');
    const ended = await pipeline.command('status', run.workflowId);
    assert.match(ended.stdout, /^went past the quarantine limit at fetch: source skipped$/m);
    assert.match(ended.stdout, /^quarantined: 1 at transform: max_attempts must be a whole number/m);
    const { stdout } = await pipeline.command(
      'query',
      '--json',
      `SELECT skipped FROM runs WHERE source = 'skipped'`,
    );
    assert.match(stdout, /QUARANTINE_LIMIT/);
    const again = await (await pipeline.start({ source: 'skipped' })).result();
    assert.equal(again.outcome, 'unchanged');
  });

  test('publishes nothing when it is aborted', async () => {
    const run = await stopped('aborted');
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
    assert.equal(await messagesOf('aborted'), 0);
  });

  test('verify finds no inconsistency afterwards', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^verified: .* 0 skipped/m);
  });
});

describe('a source with a quarantine limit, whose topic other producers fill', () => {
  let pipeline: TestPipeline;
  let topic: QuarantinedTopic;

  before(async () => {
    pipeline = await TestPipeline.create({ other: { quarantineLimit: 0.5 } });
    topic = new QuarantinedTopic(pipeline);
    await topic.make();
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  async function stopped(range: string): Promise<Run> {
    const run = await pipeline.start({ source: 'other' });
    const waiting = await waitingOf(run);
    assert.deepEqual(
      [waiting.step, waiting.code, waiting.canSkip, waiting.what],
      ['transform', 'QUARANTINE_LIMIT', true, `${topic.topic}/0 ${range}`],
    );
    assert.match(waiting.message, /^source other, as others published it: 3 of 4 records, 75 %, /);
    return run;
  }

  async function rowsLanded(): Promise<number> {
    const { stdout } = await pipeline.command(
      'query',
      '--json',
      'SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM quarantine) AS rows',
    );
    return (JSON.parse(stdout) as { rows: number }[])[0]?.rows ?? -1;
  }

  test('waits before a bad batch lands, also after a retry and in another run', async () => {
    await topic.publishAll([...goodAttempts(1, 1), ...badAttempts(2, 3)]);
    const run = await stopped('0 to before 4');
    assert.equal(await rowsLanded(), 0);
    const { since } = await waitingOf(run);
    await run.executeUpdate('retry');
    await eventually('it waits again', async () => {
      const { waiting } = await queryStatus(run);
      return waiting !== null && waiting.since !== since;
    });
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
    assert.equal(await rowsLanded(), 0);
  });

  test('lands a bad batch completely when the limit is skipped', async () => {
    const run = await stopped('0 to before 4');
    await run.executeUpdate('skip');
    const result = await run.result();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine']], [1, 3]);
    requirePastLimit(result, 'transform');
    const [partition] = (await topic.verify()).partitions;
    assert.deepEqual([partition?.quarantined, partition?.skipped], [3, 0]);
  });

  test('checks each batch alone, whatever landed before', async () => {
    await topic.publishAll(goodAttempts(3, 4));
    await topic.run();
    await topic.publishAll([...badAttempts(4, 3), ...goodAttempts(5, 1)]);
    const run = await stopped('8 to before 12');
    assert.equal(await rowsLanded(), 8);
    await run.executeUpdate('skip');
    const result = await run.result();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine']], [1, 3]);
    await topic.verify();
  });

  test('does not apply to replayed messages', async () => {
    await topic.quarantine('replay', '--all', '--yes');
    const result = await topic.run();
    assert.deepEqual([result.rows['attempts'], result.rows['quarantine'], result.skipped], [0, 6, []]);
    const { replays } = await topic.verify();
    assert.deepEqual(replays, { marked: 6, landed: 0, quarantinedAgain: 6, ahead: 0 });
  });
});
