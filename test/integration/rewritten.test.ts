import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import type { Waiting } from '../../model/run.ts';
import { sourceOf } from '../../model/settings.ts';
import { generateAttempts as generated } from '../../simulator/generator.ts';
import { TestPipeline, codeOf, eventually, queryStatus, type TestWorker } from '../support/harness.ts';
import { badAttempts } from '../support/quarantined.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

type Run = Awaited<ReturnType<TestPipeline['start']>>;

const ROWS = 5;

describe('a table from which another program removed rows', () => {
  let pipeline: TestPipeline;
  let worker: TestWorker;
  let contents = 0;

  before(async () => {
    pipeline = await TestPipeline.create({ source: { url: 'file:feed' } });
    worker = await pipeline.startWorker();
    await ingest();
    await ingest();
  });

  after(() => pipeline.close());

  /**
   * Starts a run with content that is new.
   * @param more What it has besides good attempts.
   */
  async function startNew(...more: readonly object[]): Promise<Run> {
    contents += 1;
    const feed = [...generated({ seed: contents, count: ROWS }), ...more];
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    return pipeline.start({ source: 'source' });
  }

  async function ingest(...more: readonly object[]): Promise<void> {
    const { outcome } = await (await startNew(...more)).result();
    assert.equal(outcome, 'landed');
  }

  function other(table: string): OtherProgram {
    return new OtherProgram(pipeline.warehouse.options.hdfs, `${pipeline.warehouse.path}/${table}`);
  }

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

  function requireNamed(waiting: Waiting, table: string, version: number): void {
    assert.deepEqual([waiting.step, waiting.code], ['consume', 'TABLE_REWRITTEN']);
    assert.match(
      waiting.message,
      new RegExp(
        `/${table}: version ${version} \\(RESTORE\\), by another program, removed rows of \\d+ files?, .* version ${version - 1} still has them$`,
      ),
    );
  }

  for (const table of ['attempts', 'deliveries', 'runs']) {
    test(`${table}: a run waits, names the commit, and lands nothing until the rows are back`, async () => {
      const program = other(table);
      const whole = await program.version();
      const restored = await program.restore(whole - 1);
      const run = await startNew();
      try {
        requireNamed(await waitingOf(run), table, restored);
        assert.equal(await program.version(), restored);
      } finally {
        await program.restore(whole);
      }
      await run.executeUpdate('retry');
      assert.equal((await run.result()).rows['attempts'], ROWS);
      const { code, stdout } = await pipeline.command('verify');
      assert.equal(code, 0, stdout);
    });
  }

  test('a RESTORE that removes no rows does not stop a run', async () => {
    const program = other('quarantine');
    await program.restore((await program.version()) - 1);
    await ingest();
  });

  test('a run that finds nothing new waits too', async () => {
    const program = other('options');
    const whole = await program.version();
    const restored = await program.restore(whole - 1);
    const run = await pipeline.start({ source: 'source' });
    try {
      requireNamed(await waitingOf(run), 'options', restored);
    } finally {
      await program.restore(whole);
    }
    await run.executeUpdate('retry');
    assert.equal((await run.result()).outcome, 'unchanged');
  });

  for (const [what, code, says, change] of [
    [
      'whose log was cut back',
      'TABLE_LOG_CHANGED',
      /\/questions\/_delta_log: version (\d+), .* is gone: the log now ends at version \d+$/,
      (program: OtherProgram) => program.removeLastEntry(),
    ],
    [
      'whose partitions another program changed',
      'TABLE_OTHER_COLUMNS',
      /\/questions was created .* is partitioned by \["source"\]/,
      async (program: OtherProgram) => {
        await program.partition(['source']);
        return () => program.partition(['source', 'ingested_on']);
      },
    ],
  ] as const)
    test(`a run waits at a table ${what}, lands nothing, and continues when that is reverted`, async () => {
      const program = other('questions');
      const undo = await change(program);
      const changed = await program.version();
      const run = await startNew();
      try {
        const waiting = await waitingOf(run);
        assert.deepEqual([waiting.step, waiting.code], ['consume', code]);
        assert.match(waiting.message, says);
        assert.equal(await program.version(), changed);
      } finally {
        await undo();
      }
      await run.executeUpdate('retry');
      assert.equal((await run.result()).rows['attempts'], ROWS);
      const { code: verified, stdout } = await pipeline.command('verify');
      assert.equal(verified, 0, stdout);
    });

  test('a replay publishes nothing while rows of earlier replays are missing', async () => {
    await ingest(...badAttempts(1, 2));
    const listed = await pipeline.command('quarantine', 'list', '--json');
    const { rows } = JSON.parse(listed.stdout) as { rows: { reference: string }[] };
    const [first = '', second = ''] = rows.map(({ reference }) => reference);
    const replay = (reference: string) => pipeline.command('quarantine', 'replay', reference);
    assert.equal((await replay(first)).code, 0);
    const program = other('replays');
    const whole = await program.version();
    const restored = await program.restore(whole - 1);
    const { topic } = sourceOf(pipeline.settings, 'source');
    const before = await topicOffsets(pipeline.kafka, topic);
    const { code, stderr } = await replay(second);
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`TABLE_REWRITTEN.*/replays: version ${restored} \\(RESTORE\\)`));
    assert.deepEqual(await topicOffsets(pipeline.kafka, topic), before);
    await program.restore(whole);
    assert.equal((await replay(second)).code, 0);
    await ingest();
  });

  test('a worker that starts from the other program’s checkpoint detects it, even if older entries are gone', async () => {
    const program = other('attempts');
    const whole = await program.version();
    const restored = await program.restore(whole - 1);
    await program.checkpoint();
    await worker.kill();
    worker = await pipeline.startWorker();
    const run = await startNew();
    requireNamed(await waitingOf(run), 'attempts', restored);
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
  });

  test('a commit that began before the RESTORE is refused after it', async () => {
    const path = `${pipeline.warehouse.path}/questions`;
    const table = new DeltaTable(path, pipeline.warehouse.options);
    await table.head();
    const program = other('questions');
    const restored = await program.restore((await program.version()) - 1);
    const commit = { fences: [], marks: ['mark'], files: [], info: {}, scratch: 'late' };
    const fences = [{ appId: 'late/0', from: undefined, to: 1n }];
    assert.match(
      await codeOf(table.commit({ ...commit, fences })),
      new RegExp(`^TABLE_REWRITTEN: ${path}: version ${restored} \\(RESTORE\\)`),
    );
    assert.equal(await program.version(), restored);
  });
});
