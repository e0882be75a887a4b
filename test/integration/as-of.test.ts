import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { parseActions, formatActions } from '../../adapters/delta/actions.ts';
import { entryFile } from '../../adapters/delta/log-paths.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline, runPipelineCommand } from '../support/harness.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const ROWS = 5;
/** Runs alternate between these. */
const SOURCES = ['pearson', 'acme'] as const;
const RUNS = 4;
/** Version N of each table of messages is of this hour of the day. */
const DAY = '2026-01-31';

describe('query', () => {
  let pipeline: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create({ pearson: { url: 'file:feed' }, acme: { url: 'file:feed' } });
    const worker = await pipeline.startWorker();
    for (let run = 0; run < RUNS; run += 1) {
      await pipeline.placeFiles({ feed: JSON.stringify([...generateAttempts({ seed: run, count: ROWS })]) });
      const source = SOURCES[run % SOURCES.length] ?? '';
      const { outcome } = await (await pipeline.start({ source })).result();
      assert.equal(outcome, 'landed');
    }
    await worker.kill();
    for (const table of ['attempts', 'questions', 'options', 'deliveries'])
      for (let version = 0; version <= RUNS; version += 1)
        await setTime(table, version, timeOf(version, table === 'deliveries' ? '30' : '00'));
  });

  after(() => pipeline.close());

  function timeOf(version: number, minute = '30', rest = ':00.000Z'): string {
    return `${DAY}T${String(10 + version)}:${minute}${rest}`;
  }

  function folderOf(table: string): string {
    return `${pipeline.warehouse.path}/${table}`;
  }

  async function setTime(table: string, version: number, time: string): Promise<void> {
    const { hdfs } = pipeline.warehouse.options;
    const entry = entryFile(folderOf(table), version);
    const actions = parseActions((await hdfs.read(entry)).toString(), entry).map((action) =>
      action.commitInfo ? { commitInfo: { ...action.commitInfo, timestamp: Date.parse(time) } } : action,
    );
    await hdfs.delete(entry);
    await hdfs.create(entry, Buffer.from(formatActions(actions)));
  }

  async function ask(...words: string[]): Promise<{ rows: Record<string, unknown>[]; stderr: string }> {
    const { code, stdout, stderr } = await pipeline.command('query', '--json', ...words);
    assert.equal(code, 0, stderr);
    return { rows: JSON.parse(stdout) as Record<string, unknown>[], stderr };
  }

  /** Runs a query that must fail, with an empty cache. */
  async function fail(...words: string[]): Promise<string> {
    const { settingsFile, folder } = pipeline;
    const env = { PIPELINE_CONFIG: settingsFile, XDG_CACHE_HOME: join(folder, `empty-${performance.now()}`) };
    const { code, stderr } = await runPipelineCommand(['query', ...words], env, folder);
    assert.notEqual(code, 0);
    return stderr;
  }

  describe('--as-of a version', () => {
    test('reads that version of the only table, also through its view', async () => {
      for (const version of [0, 1, 3, RUNS]) {
        const counted = await ask('--as-of', String(version), 'SELECT count(*) AS n FROM attempts');
        assert.deepEqual(counted.rows, [{ n: version * ROWS }]);
        assert.match(counted.stderr, new RegExp(`^Read attempts at version ${version}\\.$`, 'm'));
        const { rows } = await ask('--as-of', String(version), 'SELECT keen_id FROM attempts_deduplicated');
        assert.equal(rows.length, version * ROWS);
      }
    });

    test('of several tables or of none is refused, and says to give a time', async () => {
      const sql = 'SELECT 1 FROM attempts JOIN options USING (kafka_offset)';
      assert.match(
        await fail('--as-of', '2', sql),
        /^USAGE_INVALID: .* exactly one table, .* names attempts and options: give a time instead/,
      );
      assert.match(await fail('--as-of', '2', 'SELECT 1'), /^USAGE_INVALID: .* names no table/);
    });

    test('that does not exist yet is an error that names the newest', async () => {
      assert.match(
        await fail('--as-of', '99', 'FROM attempts'),
        new RegExp(`^VERSION_UNKNOWN: \\S+/attempts has no version 99: the newest is version ${RUNS}$`, 'm'),
      );
    });
  });

  describe('--as-of a time', () => {
    const sql = `SELECT (SELECT count(*) FROM deliveries) AS deliveries, (SELECT count(*) FROM attempts) AS attempts,
      (SELECT count(DISTINCT (kafka_partition, kafka_offset)) FROM options WHERE kafka_topic LIKE '%pearson') AS options`;

    test('reads each table at its last version until then', async () => {
      const { rows, stderr } = await ask('--as-of', timeOf(2), sql);
      assert.deepEqual(rows, [{ deliveries: 2 * ROWS, attempts: 2 * ROWS, options: ROWS }]);
      assert.match(stderr, /^Read deliveries at version 2, options at version 2, attempts at version 2\.$/m);
      const before = await ask('--as-of', timeOf(2, '29', ':59.999+00:00'), sql);
      assert.deepEqual(before.rows, [{ deliveries: ROWS, attempts: 2 * ROWS, options: ROWS }]);
      assert.deepEqual((await ask('--as-of', timeOf(2, '00'), 'FROM attempts')).rows.length, 2 * ROWS);
    });

    test('of a day reads the tables as they were at midnight', async () => {
      assert.deepEqual((await ask('--as-of', '2026-02-01', 'SELECT count(*) AS n FROM attempts')).rows, [
        { n: RUNS * ROWS },
      ]);
    });

    test('has each batch of deliveries in the other tables, although their clock was ahead', async () => {
      const times = [1, 2, 3, 4].map((version) => [version, timeOf(version, '00')] as const);
      for (const [version] of times) await setTime('attempts', version, timeOf(version + 3, '00'));
      try {
        const { rows, stderr } = await ask('--as-of', timeOf(2), sql);
        assert.deepEqual(rows, [{ deliveries: 2 * ROWS, attempts: 2 * ROWS, options: ROWS }]);
        assert.match(stderr, /attempts at version 2\.$/m);
        assert.deepEqual((await ask('--as-of', timeOf(2), 'FROM attempts')).rows, []);
      } finally {
        for (const [version, time] of times) await setTime('attempts', version, time);
      }
    });

    test('before the table existed is an error that says since when it does', async () => {
      assert.match(
        await fail('--as-of', DAY, 'FROM attempts'),
        /^VERSION_UNKNOWN: the table \S+\/attempts did not exist yet at 2026-01-31T00:00:00\.000Z: .*2026-01-31T10:00:00\.000Z$/m,
      );
      assert.match(
        await fail('--as-of', DAY, 'FROM replays'),
        /^VERSION_UNKNOWN: .*replays does not exist yet/,
      );
    });

    test('that is neither a version nor a time is refused', async () => {
      for (const when of ['yesterday', '2026-02-30', '2026-01-31T12:00', '-1', '1.5'])
        assert.match(await fail(`--as-of=${when}`, 'FROM attempts'), /^USAGE_INVALID: .*--as-of.*version/);
    });
  });

  describe('files', () => {
    async function cachedFiles(cache: string): Promise<number> {
      const names = await readdir(join(pipeline.folder, cache), { recursive: true }).catch(() => []);
      return names.filter((name) => name.endsWith('.parquet')).length;
    }

    async function askWith(cache: string, sql: string): Promise<{ rows: unknown[]; stderr: string }> {
      const { settingsFile, folder } = pipeline;
      const env = { PIPELINE_CONFIG: settingsFile, XDG_CACHE_HOME: join(folder, cache) };
      const { code, stdout, stderr } = await runPipelineCommand(['query', '--json', sql], env, folder);
      assert.equal(code, 0, stderr);
      return { rows: JSON.parse(stdout) as unknown[], stderr };
    }

    test('are not fetched to count the rows of a table', async () => {
      const { rows, stderr } = await askWith('counted', 'SELECT count(*) FROM options');
      const { rows: read } = await askWith(
        'read',
        'SELECT count(kafka_offset) AS "count_star()" FROM options',
      );
      assert.deepEqual(rows, read);
      assert.match(stderr, /rows by the log; files: 0, fetched: 0/);
      const { settingsFile, folder } = pipeline;
      const env = { PIPELINE_CONFIG: settingsFile, XDG_CACHE_HOME: join(folder, 'counted') };
      const { stdout } = await runPipelineCommand(['tables', '--json'], env, folder);
      const { tables } = JSON.parse(stdout) as { tables: { name: string; rows: number }[] };
      assert.equal(tables.find(({ name }) => name === 'attempts')?.rows, RUNS * ROWS);
      assert.deepEqual([await cachedFiles('counted'), await cachedFiles('read')], [0, RUNS]);
    });

    test('are fetched to count if one of them has no row count in the log', async () => {
      const entry = entryFile(folderOf('questions'), 2);
      const { hdfs } = pipeline.warehouse.options;
      const bytes = await hdfs.read(entry);
      const replace = async (content: Buffer): Promise<void> => {
        await hdfs.delete(entry);
        await hdfs.create(entry, content);
      };
      const { rows } = await askWith('counted', 'SELECT count(*) FROM questions');
      await replace(
        Buffer.from(
          formatActions(
            parseActions(bytes.toString(), entry).map((action) =>
              action.add ? { add: { ...action.add, stats: null } } : action,
            ),
          ),
        ),
      );
      try {
        const fetched = await askWith('no-stats', 'SELECT count(*) FROM questions');
        assert.deepEqual(fetched.rows, rows);
        assert.match(fetched.stderr, new RegExp(`files: ${RUNS}, fetched: ${RUNS} `));
      } finally {
        await replace(bytes);
      }
    });

    test('of other partitions are not fetched', async () => {
      const { rows, stderr } = await askWith('pruned', `SELECT keen_id FROM attempts WHERE source = 'acme'`);
      assert.equal(rows.length, (RUNS / 2) * ROWS);
      assert.match(stderr, /files: 2 of 4, fetched: 2 /);
      const none = await askWith('pruned', `FROM attempts WHERE ingested_on < '2020-01-01'`);
      assert.deepEqual(none.rows, []);
      assert.match(none.stderr, /files: 0 of 4, fetched: 0 /);
      assert.equal(await cachedFiles('pruned'), 2);
    });

    test('of a version that were deleted are an error that names the table, the version and a file', async () => {
      const program = new OtherProgram(pipeline.warehouse.options.hdfs, folderOf('quarantine'));
      const attempts = new OtherProgram(pipeline.warehouse.options.hdfs, folderOf('options'));
      await attempts.restore(1);
      const old = await pipeline.warehouse.table('options').snapshot();
      assert.equal(await program.version(), RUNS);
      const kept = new Set(old?.files.keys());
      for (const path of old?.removed.keys() ?? [])
        if (!kept.has(path))
          assert(await pipeline.warehouse.options.hdfs.delete(`${folderOf('options')}/${path}`));
      assert.match(
        await fail('--as-of', '3', 'SELECT kafka_offset FROM options'),
        /^VERSION_GONE: \S+\/options: 2 of the 3 data files of version 3 are gone, .* source=\w+\/ingested_on=\S+\.parquet$/m,
      );
      assert.equal(
        (await ask('--as-of', '1', 'SELECT DISTINCT kafka_partition, kafka_offset FROM options')).rows.length,
        ROWS,
      );
    });

    test('of a version whose log entries were cleaned up are an error that names the oldest version', async () => {
      await new OtherProgram(pipeline.warehouse.options.hdfs, folderOf('questions')).checkpoint();
      assert.match(
        await fail('--as-of', '3', 'FROM questions'),
        new RegExp(`^VERSION_GONE: .*no longer has version 3: .*the oldest version in it is ${RUNS}$`, 'm'),
      );
      assert.match(
        await fail('--as-of', timeOf(3), 'FROM questions'),
        /^VERSION_GONE: the log of \S+\/questions no longer has the version of 2026-01-31T13:30:00.000Z/m,
      );
    });
  });
});
