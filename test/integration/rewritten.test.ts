import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { DeltaTable } from '../../adapters/delta.ts';
import type { Waiting } from '../../model/run.ts';
import { attempts as generated } from '../../services/platform/generator.ts';
import { TestPipeline, codeOf, eventually, statusOf, type TestWorker } from '../harness.ts';
import { OtherProgram } from '../rewritten-tables.ts';

type Run = Awaited<ReturnType<TestPipeline['start']>>;

const ROWS = 5;

describe('a table that another program took rows out of', () => {
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

  /** Starts a run with content that is new. */
  async function startNew(): Promise<Run> {
    contents += 1;
    await pipeline.placeFiles({ feed: JSON.stringify([...generated({ seed: contents, count: ROWS })]) });
    return pipeline.start({ source: 'source' });
  }

  async function ingest(): Promise<void> {
    const { outcome } = await (await startNew()).result();
    assert.equal(outcome, 'landed');
  }

  function other(table: string): OtherProgram {
    return new OtherProgram(pipeline.warehouse.options.hdfs, `${pipeline.warehouse.path}/${table}`);
  }

  async function waitingOf(run: Run): Promise<Waiting> {
    await eventually(
      `${run.workflowId} waits`,
      async () => (await statusOf(run)).state === 'waiting',
      60_000,
    );
    const { waiting } = await statusOf(run);
    assert(waiting !== null);
    return waiting;
  }

  function requireNamed(waiting: Waiting, table: string, version: number): void {
    assert.deepEqual([waiting.step, waiting.code], ['consume', 'TABLE_REWRITTEN']);
    assert.match(
      waiting.message,
      new RegExp(
        `/${table}: version ${version} \\(RESTORE\\), by another program, removed rows of \\d+ files?, .* in version ${version - 1}$`,
      ),
    );
  }

  for (const table of ['attempts', 'deliveries', 'runs']) {
    test(`${table}: a run waits, names the commit, and lands nothing until the rows are back`, async () => {
      const program = other(table);
      const whole = await program.version();
      // Of `runs`, the last entry of a run says that its content is ingested, and has no row.
      const restored = await program.restore(whole - (table === 'runs' ? 2 : 1));
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

  test('a RESTORE that takes no rows back stops nothing', async () => {
    const program = other('quarantine');
    await program.restore((await program.version()) - 1);
    await ingest();
  });

  test('a run that finds nothing new waits, too', async () => {
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

  test('a worker that begins at a checkpoint of the other program finds it, though older entries are gone', async () => {
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
