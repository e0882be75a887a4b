import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { VersionState } from '../../client/tables/table-history.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline } from '../support/harness.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const ROWS = 5;

describe('the history of a table', () => {
  let pipeline: TestPipeline;
  let contents = 0;

  before(async () => {
    pipeline = await TestPipeline.create({ source: { url: 'file:feed' } });
    await pipeline.startWorker();
    for (let run = 0; run < 3; run += 1) await ingest();
  });

  after(() => pipeline.close());

  async function ingest(): Promise<void> {
    contents += 1;
    await pipeline.placeFiles({
      feed: JSON.stringify([...generateAttempts({ seed: contents, count: ROWS })]),
    });
    const { outcome } = await (await pipeline.start({ source: 'source' })).result();
    assert.equal(outcome, 'landed');
  }

  function folderOf(table: string): string {
    return `${pipeline.warehouse.path}/${table}`;
  }

  async function historyOf(table: string, ...options: string[]): Promise<VersionState[]> {
    const { code, stdout, stderr } = await pipeline.command('history', table, '--json', ...options);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as VersionState[];
  }

  test('lists the versions, newest first, with the run that committed each', async () => {
    const versions = await historyOf('attempts');
    assert.deepEqual(
      versions.map(({ version }) => version),
      [3, 2, 1, 0],
    );
    const [newest, , , created] = versions;
    assert.equal(created?.operation, 'CREATE TABLE');
    assert.deepEqual([created.filesAdded, created.rowsAdded, created.workflowId], [0, 0, null]);
    assert.deepEqual(
      [newest?.operation, newest?.engine, newest?.filesAdded, newest?.rowsAdded, newest?.status],
      ['WRITE', 'assessment-pipeline', 1, ROWS, 'readable'],
    );
    assert.match(newest?.workflowId ?? '', /-source-/);
    assert.match(newest?.runId ?? '', /^[0-9a-f-]{36}$/);
    const times = versions.map(({ time }) => time);
    assert.deepEqual(times, [...times].sort().reverse());
    assert.match(times[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('is cut at --limit, and says how many versions there are', async () => {
    assert.deepEqual(
      (await historyOf('attempts', '--limit', '2')).map(({ version }) => version),
      [3, 2],
    );
    const { stdout, stderr } = await pipeline.command('history', 'attempts', '--limit', '2');
    assert.match(
      stdout,
      /│ 3 +│ .* │ WRITE +│ assessment-pipeline │ \S+ [0-9a-f-]{36} │ \+1 +│ \+5 +│ yes +│/,
    );
    assert.match(stderr, /^These are the newest 2 versions of 4; --limit shows more\.$/m);
  });

  test('of an unknown table is an error that names the tables', async () => {
    const { code, stderr } = await pipeline.command('history', 'attempts_deduplicated');
    assert.equal(code, 2);
    assert.match(stderr, /^USAGE_INVALID: .*quarantine, attempts, /);
  });

  test('counts removed files and rows, and marks versions whose files were deleted', async () => {
    const program = new OtherProgram(pipeline.warehouse.options.hdfs, folderOf('options'));
    const before = await pipeline.warehouse.table('options').snapshot();
    await program.restore(1);
    const [newest, third] = await historyOf('options');
    assert.deepEqual(
      [newest?.operation, newest?.engine, newest?.filesAdded, newest?.filesRemoved, newest?.rowsAdded],
      ['RESTORE', 'Apache-Spark/4.1.1 Delta-Lake/4.2.0', 0, 2, 0],
    );
    assert((newest?.rowsRemoved ?? 0) > 0);
    assert.equal(third?.status, 'readable');
    const last = [...(before?.files.keys() ?? [])].at(-1) ?? '';
    assert(await pipeline.warehouse.options.hdfs.delete(`${folderOf('options')}/${last}`));
    assert.deepEqual(
      (await historyOf('options')).map(({ version, status }) => [version, status]),
      [
        [4, 'readable'],
        [3, 'files-gone'],
        [2, 'readable'],
        [1, 'readable'],
        [0, 'readable'],
      ],
    );
  });

  test('marks versions that the log no longer has', async () => {
    const { hdfs } = pipeline.warehouse.options;
    const program = new OtherProgram(hdfs, folderOf('questions'));
    const entry = `${folderOf('questions')}/_delta_log/${'2'.padStart(20, '0')}.json`;
    const bytes = await hdfs.read(entry);
    await program.checkpoint();
    await hdfs.create(entry, bytes);
    assert.deepEqual(
      (await historyOf('questions')).map(({ version, status, rowsRemoved }) => [
        version,
        status,
        rowsRemoved,
      ]),
      [
        [3, 'readable', 0],
        [2, 'log-cleaned', 0],
      ],
    );
    const { stdout, stderr } = await pipeline.command('history', 'questions');
    assert.match(stdout, /│ 2 +│ .* │ no: the log was cleaned up │/);
    assert.match(stderr, /^The entries of the versions before 2 were cleaned up\.$/m);
  });
});
