/** Tables that are derived from `deliveries` again: the rows are those of a landing, whatever had happened to the table. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { RebuildResult, TableRebuild } from '../../model/rebuild.ts';
import type { Waiting } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { REBUILDABLE_TABLES } from '../../tables/index.ts';
import {
  TestPipeline,
  eventually,
  queryStatus,
  type IngestHandle,
  type TestWorker,
} from '../support/harness.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const RUNS = 3;
const ROWS = 5;
const NAMES = REBUILDABLE_TABLES.map(({ name }) => name);

describe('a rebuild', () => {
  let pipeline: TestPipeline;
  let worker: TestWorker;
  let contents = 0;

  before(async () => {
    pipeline = await TestPipeline.create(
      { source: { url: 'file:feed' } },
      { limits: { checkpointInterval: 3 } },
    );
    worker = await pipeline.startWorker();
    for (let run = 1; run <= RUNS; run += 1) await ingest();
  });

  after(() => pipeline.close());

  async function startNew(): Promise<IngestHandle> {
    contents += 1;
    const feed = [...generateAttempts({ seed: contents, count: ROWS })];
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    return pipeline.start({ source: 'source' });
  }

  async function ingest(): Promise<void> {
    assert.equal((await (await startNew()).result()).outcome, 'landed');
  }

  /** Runs a command and returns its output, parsed. */
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  /** Returns all values of all rows of the tables. */
  async function rows(): Promise<unknown> {
    const all = NAMES.map((name) => `'${name}', (SELECT list(t ORDER BY t) FROM ${name} AS t)`);
    return json('query', `SELECT ${all.join(', ')}`);
  }

  async function rebuild(...names: string[]): Promise<readonly TableRebuild[]> {
    return (await json<RebuildResult>('rebuild', ...names, '--follow')).tables;
  }

  async function requireVerified(): Promise<void> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /was added to the warehouse/);
  }

  async function waitingOf(run: IngestHandle): Promise<Waiting> {
    await eventually('the run waits', async () => (await queryStatus(run)).state === 'waiting');
    const { waiting } = await queryStatus(run);
    assert.ok(waiting !== null);
    return waiting;
  }

  const pathOf = (table: string): string => `${pipeline.warehouse.path}/${table}`;

  test('says what it would read and replace, and changes nothing', async () => {
    const { tables } = await json<{ tables: Record<string, unknown>[] }>('rebuild', 'attempts', '--dry-run');
    const [preview] = tables;
    assert.deepEqual([preview?.['deliveryFiles'], preview?.['parts']], [RUNS, 1]);
    assert.equal((preview?.['replaced'] as string[]).length, RUNS);
    assert.equal((await pipeline.warehouse.open('attempts').head())?.version, RUNS);
  });

  test('replaces the files of each table by others with the same rows, while runs land', async () => {
    const before = await rows();
    const [states] = await Promise.all([rebuild(...NAMES), ingest()]);
    assert.deepEqual(
      states.map(({ table, failure, version }) => [table, failure, version !== null]),
      NAMES.map((name) => [name, null, true]),
    );
    await requireVerified();
    const during = await rows();
    assert.notDeepEqual(during, before);
    for (const state of await rebuild(...NAMES))
      assert.deepEqual([state.deliveries, state.files], [(RUNS + 1) * ROWS, 1]);
    assert.deepEqual(await rows(), during);
    await requireVerified();
  });

  test('gives back the rows that another program removed, and the run that waits lands', async () => {
    const whole = await rows();
    const program = new OtherProgram(pipeline.warehouse.options.hdfs, pathOf('attempts'));
    await program.restore(2);
    const run = await startNew();
    assert.equal((await waitingOf(run)).code, 'TABLE_REWRITTEN');
    await rebuild('attempts');
    assert.deepEqual(await rows(), whole);
    await run.executeUpdate('retry');
    assert.equal((await run.result()).outcome, 'landed');
    await requireVerified();
  });

  test('replaces a data file that is gone', async () => {
    const whole = await rows();
    const [file] = (await pipeline.warehouse.open('questions').snapshot())?.files.keys() ?? [];
    assert.ok(file !== undefined);
    await pipeline.warehouse.options.hdfs.delete(`${pathOf('questions')}/${file}`);
    assert.match(
      (await pipeline.command('verify')).stdout,
      /^FILE_UNREADABLE: .*pipeline rebuild questions/m,
    );
    await rebuild('questions');
    assert.deepEqual(await rows(), whole);
    await requireVerified();
  });

  test('makes a table again whose folder is gone, and the worker that had opened it goes on', async () => {
    const whole = await rows();
    await pipeline.warehouse.options.hdfs.delete(pathOf('options'), { recursive: true });
    const run = await startNew();
    assert.equal((await waitingOf(run)).code, 'TABLE_LOG_CHANGED');
    await rebuild('options');
    assert.deepEqual(await rows(), whole);
    await run.executeUpdate('retry');
    assert.equal((await run.result()).outcome, 'landed');
    await requireVerified();
  });

  test('continues with another worker where a killed one stopped', async () => {
    const whole = await rows();
    const handle = await pipeline.client.workflow.start('rebuild', {
      taskQueue: pipeline.settings.temporal.taskQueue,
      workflowId: `${pipeline.name}-rebuild`,
      args: [{ tables: NAMES }],
    });
    await eventually('it transforms', async () =>
      (await pipeline.activitiesOf(handle.workflowId)).includes('rebuildPart'),
    );
    await worker.kill();
    worker = await pipeline.startWorker('two');
    const { tables } = (await handle.result()) as RebuildResult;
    assert.deepEqual(
      tables.map(({ failure }) => failure),
      [null, null, null],
    );
    assert.deepEqual(await rows(), whole);
    await requireVerified();
  });

  test('is refused for a table whose rows are not in deliveries, and for an invalid request', async () => {
    const { code, stderr } = await pipeline.command('rebuild', 'quarantine');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^TABLE_NOT_DERIVED: the rows of quarantine are not in deliveries/);
    const start = (request: object): Promise<unknown> =>
      pipeline.client.workflow
        .execute('rebuild', {
          taskQueue: pipeline.settings.temporal.taskQueue,
          workflowId: `${pipeline.name}-rebuild-${performance.now()}`,
          args: [request],
        })
        .catch((error: unknown) => String((error as Error).cause));
    assert.match(String(await start({})), /must name the tables. An example: /);
    assert.match(String(await start({ tables: ['runs'] })), /runs: the rows of runs are not in deliveries/);
  });
});
