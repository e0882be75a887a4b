import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, before, describe } from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { DamagedCopy } from '../support/damage.ts';
import { ROOT, TestPipeline, runPipelineCommand } from '../support/harness.ts';

const SEED = 3;
const COUNT = 500;

describe('query and tables', () => {
  let platform: Platform;
  let pipeline: TestPipeline;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: SEED, count: COUNT });
    pipeline = await TestPipeline.create({ source: { url: `${platform.url}/attempts` } });
    const worker = await pipeline.startWorker();
    await (await pipeline.start({ source: 'source' })).result();
    await worker.kill();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  async function ask(sql: string): Promise<unknown> {
    const { code, stdout, stderr } = await pipeline.command('query', '--json', sql);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  /** Names of the cached files, of a cache of its own unless told otherwise. */
  async function cached(cache = 'cache'): Promise<string[]> {
    const found = await readdir(join(pipeline.folder, cache), { recursive: true });
    return found
      .filter((name) => /\.(parquet|part)$/.test(name))
      .map((name) => join(pipeline.folder, cache, name));
  }

  async function commandWith(cache: string, ...words: string[]) {
    const { settingsFile, folder } = pipeline;
    return runPipelineCommand(
      words,
      { PIPELINE_CONFIG: settingsFile, XDG_CACHE_HOME: join(folder, cache) },
      folder,
    );
  }

  test('a query fetches the files of the tables that it names, and no others', async () => {
    await ask('SELECT count(keen_id) FROM attempts');
    const names = await cached();
    assert.equal(names.length, 1);
    assert.match(names[0] ?? '', /\/attempts\/partition=[0-9a-f]{32}\/[0-9a-f]{32}\.parquet$/);
  });

  test('numbers are numbers, times are ISO 8601 in UTC, and partition columns have their types', async () => {
    const generated = [...generateAttempts({ seed: SEED, count: COUNT })];
    const first = generated.map(({ started_at: at }) => Date.parse(at)).sort((a, b) => a - b)[0] ?? NaN;
    const [row] = (await ask(
      `SELECT count(*) AS n, min(started_at) AS first, any_value(source) AS source, any_value(ingested_on) AS day,
         typeof(any_value(ingested_on)) AS type, avg(total) AS mean, NULL AS nothing FROM attempts`,
    )) as Record<string, unknown>[];
    assert.equal(row?.['n'], COUNT);
    assert.equal(row['first'], new Date(first).toISOString());
    assert.equal(row['source'], 'source');
    assert.match(String(row['day']), /^\d{4}-\d{2}-\d{2}$/);
    assert.equal(row['type'], 'DATE');
    assert.equal(typeof row['mean'], 'number');
    assert.equal(row['nothing'], null);
  });

  test('the views return each attempt once', async () => {
    const ids = new Set([...generateAttempts({ seed: SEED, count: COUNT })].map(({ keen_id: id }) => id));
    assert.ok(ids.size < COUNT, 'the generator delivers some attempts twice');
    assert.deepEqual(await ask('SELECT count(*) AS n FROM attempts_deduplicated'), [{ n: ids.size }]);
  });

  test('without --json a table is printed, with the duration on standard error', async () => {
    const { stdout, stderr } = await pipeline.command('query', "SELECT 12345678 AS n, 'x' AS text");
    assert.match(stdout, /│ 12345678 │ x {4}│/);
    assert.match(stderr, /^1 row in \d+\.\d\d s; files: 0, fetched: 0/);
  });

  test('--explain shows the query plan, without the result', async () => {
    const sql = 'SELECT exam_name, count(*) FROM attempts WHERE total > 0 GROUP BY ALL -- by exam';
    const { code, stdout, stderr } = await pipeline.command('query', '--explain', '--json', sql);
    assert.equal(code, 0, stderr);
    const steps = JSON.parse(stdout) as Record<'step' | 'about' | 'rows' | 'depth' | 'seconds', unknown>[];
    const [first, last] = [steps[0], steps.at(-1)];
    const exams = (await ask(`SELECT count(*) AS n FROM (${sql.replace(/ --.*/, '')})`)) as { n: number }[];
    assert.deepEqual([first?.depth, first?.rows], [0, exams[0]?.n]);
    assert.match(String(last?.step), /READ_PARQUET/);
    assert.equal(last?.rows, COUNT);
    const shown = await pipeline.command('query', '--explain', sql);
    assert.match(shown.stdout, /^│ {3,}READ_PARQUET +│ .*│ +500 │ +[\d.]+ │$/m);
    const refused = await pipeline.command('query', '--explain', 'CREATE TABLE t (a INT)');
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /^QUERY_INVALID: for --explain, the query must be a single SELECT/);
    const both = await pipeline.command('query', '--explain', '--format', 'csv', sql);
    assert.equal(both.code, 2);
    assert.match(both.stderr, /^USAGE_INVALID: --explain shows the plan/);
  });

  test('a query can be read from standard input', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'bin/pipeline.js'), 'query', '--json', '-'], {
      env: {
        ...process.env,
        PIPELINE_CONFIG: pipeline.settingsFile,
        XDG_CACHE_HOME: join(pipeline.folder, 'cache'),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.end('SELECT count(*) AS n\nFROM attempts;');
    assert.deepEqual(JSON.parse(await text(child.stdout)), [{ n: COUNT }]);
  });

  test('a reader that closes the pipe ends a long result without an error', async () => {
    const words = [join(ROOT, 'bin/pipeline.js'), 'query', '--json', 'SELECT * FROM range(1000000)'];
    const child = spawn(process.execPath, words, {
      env: { ...process.env, PIPELINE_CONFIG: pipeline.settingsFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = text(child.stderr);
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0, await said);
  });

  for (const { sql, says } of [
    {
      sql: 'SELECT * FROM attempt',
      says: /Table with name attempt does not exist![^]*The tables are quarantine, attempts,/,
    },
    { sql: 'SELECT exam FROM attempts', says: /Referenced column "exam" not found[^]*exam_name/ },
    { sql: 'SELEC 1', says: /syntax error at or near "SELEC"/ },
    { sql: "SELECT * FROM query_table('opt' || 'ions')", says: /the table options was not fetched/ },
  ]) {
    test(`${sql} fails with the cause and advice, and without a stack trace`, async () => {
      const { code, stdout, stderr } = await pipeline.command('query', sql);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^QUERY_INVALID: /);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n +at /);
    });
  }

  test('several processes fill one cache at once, and each gets the correct answer', async () => {
    const sql = 'SELECT count(*) AS n FROM deliveries JOIN attempts USING (kafka_partition, kafka_offset)';
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => commandWith('shared', 'query', '--json', sql)),
    );
    for (const { stdout, stderr } of answers) assert.deepEqual(JSON.parse(stdout), [{ n: COUNT }], stderr);
    const names = await cached('shared');
    assert.deepEqual(
      names.map((name) => name.slice(name.lastIndexOf('.'))),
      ['.parquet', '.parquet'],
    );
  });

  test('a cached file of another length is fetched again', async () => {
    const [file = ''] = await cached();
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, 100));
    assert.deepEqual(await ask('SELECT count(keen_id) AS n FROM attempts'), [{ n: COUNT }]);
    assert.ok(whole.equals(await readFile(file)));
  });

  test('a corrupted cached file is fetched again by verify', async () => {
    const file = (await cached()).find((name) => name.includes('/attempts/')) ?? '';
    const whole = await readFile(file);
    await writeFile(file, Buffer.alloc(whole.length));
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
    assert.ok(whole.equals(await readFile(file)));
  });

  test('bytes that differ from the log’s checksum are rejected, and never cached', async () => {
    const copy = await DamagedCopy.of(pipeline, 'other-bytes');
    const { path } = await copy.firstFile('attempts');
    const bytes = await copy.hdfs.read(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await copy.replace(path, bytes);
    const before = await cached();
    const { code, stderr } = await copy.command('query', 'SELECT count(keen_id) FROM attempts');
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^HDFS_DAMAGED: ${path} does not match the SHA-256 in its table`));
    assert.deepEqual(await cached(), before);
  });

  test('a file that is no longer live is evicted when it was not used for a while', async () => {
    const [live = ''] = await cached('shared');
    const folder = join(live, '..');
    const [old, fresh] = [join(folder, 'part-old.parquet'), join(folder, 'part-fresh.parquet')];
    for (const file of [old, fresh]) await writeFile(file, '');
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const file of [old, live]) await utimes(file, longAgo, longAgo);
    await commandWith('shared', 'query', 'SELECT count(*) FROM attempts, deliveries');
    await assert.rejects(stat(old), { code: 'ENOENT' });
    assert.ok((await stat(fresh)).isFile(), 'another process may still read it');
    assert.ok((await stat(live)).mtimeMs > longAgo.getTime(), 'its use is noted');
  });

  test('in a warehouse without tables all are empty, with their columns and types', async () => {
    const settings = join(pipeline.folder, 'nothing.yaml');
    const yaml = await readFile(pipeline.settingsFile, 'utf8');
    await writeFile(settings, yaml.replace(/warehouse: .*/, 'warehouse: /test/nothing'));
    const env = { PIPELINE_CONFIG: settings, XDG_CACHE_HOME: join(pipeline.folder, 'cache') };
    const rows = await runPipelineCommand(['query', '--json', 'SELECT * FROM questions_deduplicated'], env);
    assert.deepEqual(JSON.parse(rows.stdout), [], rows.stderr);
    const described = await runPipelineCommand(['query', '--json', 'DESCRIBE attempts'], env);
    const types = new Map(
      (JSON.parse(described.stdout) as { column_name: string; column_type: string }[]).map((column) => [
        column.column_name,
        column.column_type,
      ]),
    );
    assert.equal(types.get('started_at'), 'TIMESTAMP WITH TIME ZONE');
    assert.equal(types.get('total'), 'INTEGER');
    assert.equal(types.get('ingested_on'), 'DATE');
    const tables = await runPipelineCommand(['tables', '--json'], env);
    const [state] = (JSON.parse(tables.stdout) as { tables: Record<string, unknown>[] }).tables;
    assert.equal(state?.['version'], null);
    assert.equal(state['rows'], 0);
  });

  test('tables shows the rows and sizes of each table', async () => {
    const { stdout } = await pipeline.command('tables', '--json');
    const { tables, views } = JSON.parse(stdout) as Record<'tables' | 'views', Record<string, unknown>[]>;
    const found = tables.find(({ name }) => name === 'attempts');
    assert.equal(found?.['rows'], COUNT);
    assert.equal(found['files'], 1);
    assert.equal(found['version'], 1);
    assert.match(String(found['lastCommit']), /^\d{4}-\d{2}-\d{2}T.*Z$/);
    assert.ok(views.some(({ name }) => name === 'attempts_deduplicated'));
    assert.match((await pipeline.command('tables')).stdout, /│ attempts +│ one delivery of an attempt/);
  });

  test('tables shows the columns of a table and of a view, with their descriptions', async () => {
    const table = await pipeline.command('tables', 'options');
    assert.match(table.stdout, /│ submitted +│ integer +│ 1 if it was submitted/);
    const view = await pipeline.command('tables', 'attempts_deduplicated', '--json');
    const { columns } = JSON.parse(view.stdout) as { columns: Record<string, unknown>[] };
    assert.deepEqual(
      columns.find(({ name }) => name === 'submitted'),
      { name: 'submitted', type: 'integer', meaning: 'Questions submitted.' },
    );
    const unknown = await pipeline.command('tables', 'nothing');
    assert.equal(unknown.code, 2);
    assert.match(
      unknown.stderr,
      /^TABLE_UNKNOWN: there is no table "nothing"; there are: quarantine, attempts/,
    );
  });
});
