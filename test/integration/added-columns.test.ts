/** A column that the program has and the warehouse does not, since an earlier version of the program filled it. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { readHistory } from '../../adapters/delta/history.ts';
import { someAttempts } from '../faults/other-topic.ts';
import { forgetColumn } from '../support/earlier-program.ts';
import { TestPipeline } from '../support/harness.ts';

const COUNT = 9;

describe('a column that was added', () => {
  let pipeline: TestPipeline;
  let attempts: string;

  before(async () => {
    pipeline = await TestPipeline.create({ one: { url: 'file:one.json' } });
    attempts = `${pipeline.warehouse.path}/attempts`;
    const worker = await pipeline.startWorker();
    await land(1);
    await worker.kill();
    await forgetColumn(pipeline.warehouse.options.hdfs, attempts, 'exam_name');
  });

  after(() => pipeline.close());

  async function land(seed: number): Promise<void> {
    await pipeline.placeFiles({ 'one.json': JSON.stringify(someAttempts(seed, COUNT)) });
    assert.equal((await (await pipeline.start({ source: 'one' })).result()).rows['attempts'], COUNT);
  }

  async function columnsIn(): Promise<string[]> {
    const { metadata } = (await pipeline.warehouse.table('attempts').head()) ?? {};
    const schema = JSON.parse(metadata?.schemaString ?? '{}') as { fields: { name: string }[] };
    return schema.fields.map(({ name }) => name);
  }

  async function counted(): Promise<unknown> {
    const sql = 'SELECT count(*)::INT AS rows, count(exam_name)::INT AS named FROM attempts';
    const { stdout, stderr } = await pipeline.command('query', '--json', sql);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  }

  async function verify(): Promise<void> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
  }

  test('is null, and no finding, before the next batch adds it', async () => {
    assert.equal((await columnsIn()).includes('exam_name'), false);
    assert.deepEqual(await counted(), [{ rows: COUNT, named: 0 }]);
    await verify();
  });

  test('is added by the next run, whose rows have it, and null in the rows before', async () => {
    await pipeline.startWorker();
    await land(2);
    assert.equal((await columnsIn()).at(-1), 'exam_name');
    assert.deepEqual(await counted(), [{ rows: 2 * COUNT, named: COUNT }]);
    await verify();
  });

  test('is added once', async () => {
    await land(3);
    const entries = await readHistory(pipeline.warehouse.options.hdfs, attempts);
    assert.deepEqual(
      entries.map(({ info }) => info['operation']),
      ['CREATE TABLE', 'WRITE', 'ADD COLUMNS', 'WRITE', 'WRITE'],
    );
    assert.deepEqual(await counted(), [{ rows: 3 * COUNT, named: 2 * COUNT }]);
  });

  test('is filled in the rows before by a rebuild', async () => {
    const { code, stderr } = await pipeline.command('rebuild', 'attempts', '--follow');
    assert.equal(code, 0, stderr);
    assert.deepEqual(await counted(), [{ rows: 3 * COUNT, named: 3 * COUNT }]);
    await verify();
  });
});
