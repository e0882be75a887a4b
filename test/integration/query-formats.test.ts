import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ROOT, TestPipeline, eventually } from '../support/harness.ts';

const COUNT = 500;

describe('the formats and files of query', () => {
  let platform: Platform;
  let pipeline: TestPipeline;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: 3, count: COUNT });
    pipeline = await TestPipeline.create({ source: { url: `${platform.url}/attempts` } });
    const worker = await pipeline.startWorker();
    await (await pipeline.start({ source: 'source' })).result();
    await worker.kill();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  /** Returns the result of a trusted query, which may read any files. */
  async function ask(sql: string): Promise<unknown> {
    const { code, stdout, stderr } = await pipeline.command('query', '--json', '--trusted', sql);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  const HARD = `SELECT * FROM (VALUES (1, 'a,b', NULL, TIMESTAMPTZ '2026-01-31 12:00:00Z'),
      (2, 'say "hi"', '', NULL), (3, 'two' || chr(10) || 'lines', 'x', NULL)) AS t(n, hard, maybe, seen); -- done`;

  /** A path that no other test uses. */
  const fileOf = (name: string): string => join(pipeline.folder, name);

  test('csv follows RFC 4180, and distinguishes null from an empty string', async () => {
    const { code, stdout } = await pipeline.command('query', HARD, '--format', 'csv');
    assert.equal(code, 0);
    assert.equal(
      stdout,
      'n,hard,maybe,seen\r\n1,"a,b",,2026-01-31T12:00:00.000Z\r\n2,"say ""hi""","",\r\n3,"two\nlines",x,\r\n',
    );
    const said = await pipeline.command('query', HARD, '--output', fileOf('hard.csv'));
    assert.equal(said.stdout, '');
    assert.equal(await readFile(fileOf('hard.csv'), 'utf8'), stdout);
    const back = `SELECT n, hard, maybe FROM read_csv('${fileOf('hard.csv')}', allow_quoted_nulls = false) ORDER BY n`;
    assert.deepEqual(await ask(back), [
      { n: 1, hard: 'a,b', maybe: null },
      { n: 2, hard: 'say "hi"', maybe: '' },
      { n: 3, hard: 'two\nlines', maybe: 'x' },
    ]);
  });

  test('parquet has the correct types, in the order of the query', async () => {
    const file = fileOf('attempts.parquet');
    const sql =
      'SELECT keen_id, total, certification, started_at, ingested_on FROM attempts ORDER BY started_at DESC';
    const { code, stderr } = await pipeline.command('query', sql, '--output', file);
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^${COUNT} rows`));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const types = (await ask(`DESCRIBE FROM '${file}'`)) as { column_type: string }[];
    assert.deepEqual(
      types.map(({ column_type: type }) => type),
      ['VARCHAR', 'INTEGER', 'BOOLEAN', 'TIMESTAMP WITH TIME ZONE', 'DATE'],
    );
    const rows = 'SELECT started_at FROM';
    assert.deepEqual(await ask(`${rows} '${file}'`), await ask(`${rows} attempts ORDER BY started_at DESC`));
  });

  for (const sql of ['SELECT 1; SELECT 2', 'CREATE TABLE t (n INTEGER)']) {
    test(`${sql} is rejected as parquet, and leaves no file`, async () => {
      const words = ['query', sql, '--format', 'parquet', '--output', fileOf('refused.parquet')];
      const { code, stderr } = await pipeline.command(...words);
      assert.equal(code, 1);
      assert.match(stderr, /^QUERY_INVALID: for --format parquet, the query must be a single SELECT/);
      assert.deepEqual(await leftOf('refused.parquet'), []);
    });
  }

  /** Returns the names of a file's copies, temporary ones included. */
  async function leftOf(name: string): Promise<string[]> {
    return (await readdir(pipeline.folder)).filter((one) => one.startsWith(name));
  }

  test('an existing file is only replaced with --force, and not if the query fails', async () => {
    const file = fileOf('kept.json');
    await writeFile(file, 'mine');
    const { code, stderr } = await pipeline.command('query', 'SELECT 1 AS n', '--output', file);
    assert.deepEqual([code, await readFile(file, 'utf8')], [2, 'mine']);
    assert.match(stderr, /^USAGE_INVALID: .*kept\.json: that file exists; --force replaces it/);
    const late = `SELECT CASE WHEN i < 100000 THEN 1 ELSE error('late') END AS n FROM range(200000) AS t(i)`;
    const failed = await pipeline.command('query', late, '--output', file, '--force');
    assert.deepEqual([failed.code, await readFile(file, 'utf8')], [1, 'mine']);
    assert.deepEqual(await leftOf('kept.json'), ['kept.json']);
    const forced = await pipeline.command('query', 'SELECT 1 AS n', '--output', file, '--force');
    assert.equal(forced.code, 0, forced.stderr);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), [{ n: 1 }]);
  });

  for (const name of ['endless.csv', 'endless.parquet']) {
    test(`Ctrl-C leaves nothing of ${name}`, async () => {
      const sql = 'SELECT i, md5(i::VARCHAR) AS text FROM range(1000000000) AS t(i)';
      const words = [join(ROOT, 'bin/pipeline.js'), 'query', sql, '--output', fileOf(name)];
      const child = spawn(process.execPath, words, {
        env: { ...process.env, PIPELINE_CONFIG: pipeline.settingsFile },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await eventually('it is being written', async () => (await leftOf(name)).length === 1);
      child.kill('SIGINT');
      assert.deepEqual(await ended, [null, 'SIGINT']);
      assert.deepEqual(await leftOf(name), []);
    });
  }

  for (const [words, says] of [
    [['--format', 'xml'], /Allowed choices are table, csv, json, parquet/],
    [['--format', 'parquet'], /--format parquet needs a file: give --output FILE/],
    [['--output', 'answer'], /give --format too, or a name that ends with/],
    [['--output', 'no-such-folder/a.csv'], /there is no folder/],
    [['--format', 'csv', '--json'], /--json and --format csv: give one of them/],
    [['--force'], /--force requires --output/],
  ] as const) {
    test(`${words.join(' ')} is rejected before the query runs`, async () => {
      const { code, stderr } = await pipeline.command('query', 'SELECT 1', ...words);
      assert.equal(code, 2);
      assert.match(stderr, says);
    });
  }
});
