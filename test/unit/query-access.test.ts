import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { DuckDBConnection } from '@duckdb/node-api';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { CachedFile } from '../../adapters/delta/table-cache.ts';
import { withTables, type SqlAccess } from '../../client/query/live-tables.ts';
import { streamReadOnly } from '../../client/query/access.ts';
import { requireSelect } from '../../client/query/select.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { TABLES } from '../../tables/index.ts';
import { attempts } from '../support/attempt-contract.ts';

/** Names of sources that are numbers, dates, booleans or null in other types. */
const SOURCES = [
  'null',
  '__HIVE_DEFAULT_PARTITION__',
  'NULL',
  'none',
  '1',
  '0001',
  '1e3',
  'true',
  '2026-01-01',
  'nan',
  'a%20b',
  "it's",
];

describe('SQL over the tables', () => {
  let folder: string;
  let files: CachedFile[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'query[a]*-'));
    files = [];
    for (const [at, source] of SOURCES.entries()) {
      const path = join(folder, 'cache', `partition=${at}`, 'file.parquet');
      files.push({ path, partition: String(at), partitionValues: { source, ingested_on: '2026-01-31' } });
      await mkdir(join(path, '..'), { recursive: true });
      await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, (connection) =>
        connection.run(
          `COPY (SELECT ${sqlText(source)} AS exam_name, ${at}::INTEGER AS total, 'wrong' AS source) TO ${sqlText(path)} (FORMAT parquet)`,
        ),
      );
    }
    await writeFile(join(folder, 'secret.csv'), 'word\nsecret\n');
  });

  after(() => rm(folder, { recursive: true }));

  async function withAttempts<T>(
    use: (connection: DuckDBConnection) => Promise<T>,
    access: SqlAccess = {},
  ): Promise<T> {
    return withTables(
      TABLES.map((table) => ({ table, files: table === attempts ? files : [] })),
      use,
      access,
    );
  }

  test('a partition value is the log’s string, whatever its form, and selects its files', async () => {
    await withAttempts(async (connection) => {
      const read = await connection.runAndReadAll(
        `SELECT source, exam_name, ingested_on::VARCHAR, total FROM attempts ORDER BY total`,
      );
      assert.deepEqual(
        read.getRows(),
        SOURCES.map((source, at) => [source, source, '2026-01-31', at]),
      );
      for (const [at, source] of SOURCES.entries()) {
        const one = await connection.runAndReadAll('SELECT total FROM attempts WHERE source = $1', [source]);
        assert.deepEqual(one.getRows(), [[at]], source);
      }
      const plan = await connection.runAndReadAll(
        `EXPLAIN ANALYZE SELECT max(total) FROM attempts WHERE source = 'true'`,
      );
      assert.match(String(plan.getRows()[0]?.[1]), new RegExp(`1/${SOURCES.length}`));
      assert.deepEqual((await connection.runAndReadAll('FROM attempts')).columnNames(), [
        ...attempts.columns.map(({ name }) => name),
        'source',
        'ingested_on',
      ]);
    });
  });

  test('a null of the log is null, and a value that does not fit the column’s type is refused by name', async () => {
    const [first] = files as [CachedFile];
    const tablesWith = (partitionValues: CachedFile['partitionValues']) => [
      { table: attempts, files: [{ ...first, partitionValues }] },
      ...TABLES.filter((table) => table !== attempts).map((table) => ({ table, files: [] })),
    ];
    const ask = async (connection: DuckDBConnection): Promise<unknown> =>
      (await connection.runAndReadAll('SELECT source, ingested_on FROM attempts')).getRows();
    assert.deepEqual(await withTables(tablesWith({ source: null, ingested_on: null }), ask), [[null, null]]);
    for (const ingested_on of ['2026-02-31', 'yesterday', '']) {
      await assert.rejects(withTables(tablesWith({ source: 's', ingested_on }), ask), {
        code: 'TABLE_LOG_INVALID',
        message:
          /the log of attempts names a file whose partition column ingested_on has ".*", expected a date/,
      });
    }
    await assert.rejects(withTables(tablesWith({ ingested_on: '2026-01-31' }), ask), {
      code: 'TABLE_LOG_INVALID',
      message: /partition column source has no value/,
    });
  });

  /** Runs an untrusted query; returns its number of rows, or the error. */
  async function outcomeOf(connection: DuckDBConnection, sql: string): Promise<string> {
    try {
      let rows = 0;
      const result = await streamReadOnly(connection, sql);
      for await (const chunk of result.yieldRows()) rows += chunk.length;
      return `${rows} rows`;
    } catch (error) {
      return error instanceof PipelineError ? `${error.code}: ${error.message}` : messageOf(error);
    }
  }

  const outside = (name: string): string => sqlText(join(folder, name));

  test('reaches no other file, extension, database or setting', async () => {
    const [{ path: live }] = files as [CachedFile];
    const whole = await readFile(live);
    const queries = [
      `FROM ${outside('secret.csv')}`,
      `FROM read_csv(${outside('secret.csv')})`,
      `FROM read_text(${outside('secret.csv')})`,
      `FROM read_blob(${outside('secret.csv')})`,
      `FROM read_json(${outside('secret.csv')})`,
      `FROM sniff_csv(${outside('secret.csv')})`,
      `FROM parquet_metadata(${outside('secret.csv')})`,
      `FROM glob('/etc/*')`,
      `FROM glob(${outside('*')})`,
      `FROM read_csv(['/etc/passwd'])`,
      `FROM read_csv(${sqlText(join(live, '..', '..', '..', 'secret.csv'))})`,
      `FROM 'https://127.0.0.1:1/x.parquet'`,
      `FROM 's3://bucket/x.parquet'`,
      `CREATE VIEW v AS FROM read_csv(${outside('secret.csv')}); FROM v`,
      `CREATE MACRO m() AS TABLE FROM read_csv(${outside('secret.csv')}); FROM m()`,
      `CREATE TABLE t AS FROM read_csv(${outside('secret.csv')})`,
      `COPY (SELECT 1) TO ${outside('made.csv')}`,
      `COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false)`,
      `COPY attempts TO ${sqlText(live)} (FORMAT parquet)`,
      `CREATE TABLE t (a INTEGER); COPY t FROM ${outside('secret.csv')}`,
      `PREPARE p AS COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false); EXECUTE p`,
      `EXPLAIN ANALYZE COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false)`,
      `/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false)`,
      `EXPLAIN /* */ (ANALYZE) COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false)`,
      `SELECT 1; EXPLAIN ANALYZE COPY (SELECT 1) TO ${sqlText(live)} (FORMAT parquet, USE_TMP_FILE false)`,
      `EXPORT DATABASE ${outside('exported')}`,
      `IMPORT DATABASE ${outside('exported')}`,
      `ATTACH ${outside('made.db')}`,
      `ATTACH ':memory:' AS other`,
      `INSTALL httpfs`,
      `LOAD httpfs`,
      `LOAD ${outside('made.duckdb_extension')}`,
      `UPDATE EXTENSIONS`,
      `SET enable_external_access = true`,
      `SET lock_configuration = false`,
      `SET threads = 1`,
      `SET allowed_paths = []`,
      `RESET memory_limit`,
      `PRAGMA threads = 1`,
      `PRAGMA enable_profiling`,
      `PRAGMA profiling_output = ${outside('made.json')}`,
      `CALL enable_logging(storage = 'file', storage_config = {'path': ${outside('made')}})`,
      ...[
        `SELECT * FROM enable_logging(storage = 'file', storage_path = ${outside('made')}, level = 'trace'); SELECT 1`,
        `SELECT 1; FROM system.main."enable_logging"(storage = 'stdout')`,
        `SELECT (SELECT count(*) FROM enable_logging(storage = 'stdout'))`,
        `FROM query('FROM enable_' || 'logging()')`,
        `CREATE VIEW v AS FROM enable_logging(); FROM v`,
        `CREATE MACRO m() AS TABLE FROM enable_logging(); FROM m()`,
        `CREATE TABLE t AS FROM enable_logging()`,
        `CREATE TABLE t (a INTEGER); INSERT INTO t SELECT 1 FROM enable_logging()`,
        `SET VARIABLE a = (SELECT count(*) FROM enable_logging())`,
        `WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a, enable_logging() WHERE n < 2) FROM a`,
        `FROM range(2) r(n) WHERE EXISTS (FROM enable_logging() WHERE n = 1)`,
        `FROM json_execute_serialized_sql(json_serialize_sql('FROM enable_logging()'))`,
        `EXPLAIN ANALYZE FROM enable_logging()`,
        `SELECT ';'; /* ; */ FROM enable_logging() -- ;`,
        `FROM enable_profiling()`,
        `FROM disable_logging()`,
        `FROM force_checkpoint()`,
      ],
      `SELECT getenv('HOME')`,
      `CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')`,
    ];
    for (const sql of queries) {
      const outcome = await withAttempts((connection) => outcomeOf(connection, sql));
      assert.match(
        outcome,
        /^(QUERY_REFUSED|Permission Error|Failed to extract statements: Permission Error|Invalid Input Error: Cannot change configuration option|Catalog Error|Invalid Configuration Error)/,
        sql,
      );
    }
    assert.ok(whole.equals(await readFile(live)), 'a file that may be read is not written');
    assert.deepEqual((await readdir(folder)).sort(), ['cache', 'secret.csv']);
  });

  test('calls no function that changes DuckDB, also for a plan or Parquet', async () => {
    const sql = `FROM query('FROM enable_' || 'logging()')`;
    await withAttempts(async (connection) => {
      for (const option of ['--explain', '--format parquet'])
        await assert.rejects(requireSelect(connection, sql, { option, isTrusted: false }), {
          code: 'QUERY_REFUSED',
          message: 'an untrusted query must not call the function enable_logging',
        });
      await requireSelect(connection, sql, { option: '--explain', isTrusted: true });
    });
  });

  test('reads, and works with tables in memory', async () => {
    for (const [sql, outcome] of [
      ['FROM attempts', `${SOURCES.length} rows`],
      ['SELECT 1; SELECT 2, 3', '1 rows'],
      [`SELECT 1 -- ;\n; /* ; */ SELECT ';' AS "a;", E'\\';', $x$;$x$, 'it''s;' ; ;\n`, '1 rows'],
      [
        'SELECT 1; /* /* ; */ ; */ SELECT 2',
        'QUERY_INVALID: the statements cannot be separated: give a single one, without comments',
      ],
      ['SELECT 1; EXPLAIN SELECT 2', '1 rows'],
      [`SELECT 'enable_logging'`, '1 rows'],
      [
        'CREATE TABLE t AS FROM attempts; DELETE FROM t WHERE total = 0; FROM t',
        `${SOURCES.length - 1} rows`,
      ],
      ['SET VARIABLE n = 3; SELECT * FROM range(getvariable($$n$$))', '3 rows'],
      ['DESCRIBE attempts', `${attempts.columns.length + 2} rows`],
      ['EXPLAIN SELECT 1', '1 rows'],
      ['explain (analyze, format json) SELECT 1', '1 rows'],
      ['SUMMARIZE SELECT 1', '1 rows'],
      ['WITH a AS (VALUES (1), (2)) FROM a', '2 rows'],
    ] as const)
      assert.equal(await withAttempts((connection) => outcomeOf(connection, sql)), outcome, sql);
  });

  test('spills to the disk', async () => {
    const sql = `SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) || repeat('x', 100) FROM range(1000000))`;
    const options = {
      threads: 1,
      memoryLimit: '64MB',
      temporaryFolder: join(folder, 'spill'),
      onlyFiles: [],
    };
    await withDuckDb(options, async (connection) => {
      assert.deepEqual((await connection.runAndReadAll(sql)).getRows(), [[1_000_000n]]);
    });
    await rm(join(folder, 'spill'), { recursive: true, force: true });
  });

  test('allows everything when it is trusted, and else writes only the named file', async () => {
    const secret = `FROM read_csv(${outside('secret.csv')})`;
    await withAttempts(
      async (connection) => {
        assert.deepEqual((await connection.runAndReadAll(secret)).getRows(), [['secret']]);
        await connection.run('SET threads = 1');
      },
      { isTrusted: true },
    );
    const writes = join(folder, 'cache', 'answer.parquet');
    await withAttempts(
      (connection) =>
        connection.run(`COPY attempts TO ${sqlText(writes)} (FORMAT parquet, USE_TMP_FILE false)`),
      { writes },
    );
    assert.ok((await readFile(writes)).length > 0);
  });
});
