import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import fc from 'fast-check';
import { acceptedAttempts } from '../support/accepted-attempts.ts';
import { DamagedCopy } from '../support/damage.ts';
import { ROOT, TestPipeline } from '../support/harness.ts';
import { badAttempts } from '../support/quarantined.ts';

/** Feeds that once broke the product, beside a checkout that has them. */
const FEEDS = join(ROOT, '../shared/cases/feeds');

/** Names that are a null, a number, a truth or a day elsewhere. */
const SOURCES = ['null', '1', '007', 'true', '2026-01-01', 'nan'];

/** A feed of some attempts, and of one that goes into quarantine. */
function feedOf(seed: number): string {
  const attempts = fc.sample(acceptedAttempts(), { numRuns: 20, seed });
  return [...attempts, ...badAttempts(seed, 1)].map((attempt) => `${JSON.stringify(attempt)}\n`).join('');
}

describe('unusual but valid input', () => {
  let pipeline: TestPipeline;

  before(async () => {
    const fromCases = existsSync(FEEDS) ? ['no-questions', 'source-named-null'] : [];
    const sources = Object.fromEntries(
      [...SOURCES, ...fromCases].map((name) => [name, { url: `file:${name}`, format: 'ndjson' }]),
    );
    pipeline = await TestPipeline.create(sources);
    await pipeline.placeFiles({
      ...Object.fromEntries(SOURCES.map((name, at) => [name, feedOf(at)])),
      ...Object.fromEntries(fromCases.map((name) => [name, readFileSync(join(FEEDS, `${name}.ndjson`))])),
    });
    await pipeline.startWorker();
    const runs = await Promise.all(Object.keys(sources).map((source) => pipeline.start({ source })));
    await Promise.all(runs.map((run) => run.result()));
  });

  after(() => pipeline.close());

  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  test('passes verify', async () => {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
  });

  test('is attributed to its source, whatever its name, by every command', async () => {
    const counted = await json<Record<string, unknown>[]>(
      'query',
      `SELECT source, count(*) AS n FROM attempts WHERE source IN (${SOURCES.map((name) => `'${name}'`).join(', ')}) GROUP BY ALL ORDER BY source`,
    );
    assert.deepEqual(
      counted,
      [...SOURCES].sort().map((source) => ({ source, n: 20 })),
    );
    for (const source of ['null', '2026-01-01']) {
      const { overview } = await json<{ overview: [{ exams: number }] }>('answers', '--source', source);
      assert.equal(overview[0].exams, 20, source);
      await json('report', '--source', source);
      const { rows } = await json<{ rows: { source: string; reference: string }[] }>(
        'quarantine',
        'list',
        '--source',
        source,
      );
      assert.deepEqual(
        rows.map((row) => row.source),
        [source],
      );
      const shown = await json<{ source: string }>('quarantine', 'show', rows[0]?.reference ?? '');
      assert.equal(shown.source, source);
    }
    const runs = await json<{ source: string }[]>('query', 'SELECT DISTINCT source FROM runs ORDER BY 1');
    assert.deepEqual(
      SOURCES.filter((name) => runs.every(({ source }) => source !== name)),
      [],
    );
    const file = join(pipeline.folder, 'attempts.parquet');
    const sql = `SELECT source FROM attempts WHERE source = 'null'`;
    const written = await pipeline.command('query', sql, '--output', file);
    assert.equal(written.code, 0, written.stderr);
    const back = await json<unknown[]>('query', '--trusted', `SELECT DISTINCT source FROM '${file}'`);
    assert.deepEqual(back, [{ source: 'null' }]);
  });

  test(
    'of the feeds that once broke the product, each attempt lands',
    { skip: !existsSync(FEEDS) && `${FEEDS} is not here` },
    async () => {
      const counted = await json<Record<string, unknown>[]>(
        'query',
        `SELECT source, count(*) AS attempts, count(*) FILTER (keen_id IS NULL) AS lost FROM attempts
       WHERE source IN ('no-questions', 'source-named-null') GROUP BY ALL ORDER BY source`,
      );
      const linesOf = (name: string): number =>
        readFileSync(join(FEEDS, `${name}.ndjson`), 'utf8')
          .trim()
          .split('\n').length;
      assert.deepEqual(
        counted,
        ['no-questions', 'source-named-null'].map((source) => ({
          source,
          attempts: linesOf(source),
          lost: 0,
        })),
      );
    },
  );

  test('keeps a byte order mark at the start of a string, in every format', async () => {
    const sql = `SELECT DISTINCT exam_name AS name FROM attempts WHERE starts_with(exam_name, chr(65279)) ORDER BY 1`;
    const names = (await json<{ name: string }[]>('query', sql)).map(({ name }) => name);
    assert.ok(names.length > 0);
    for (const name of names) assert.ok(name.startsWith('\ufeff'), JSON.stringify(name));
    const csv = await pipeline.command('query', sql, '--format', 'csv');
    assert.equal(csv.stdout.split('\ufeff').length - 1, names.length);
  });

  test('a query can only read, unless it is trusted', async () => {
    const secret = join(pipeline.folder, 'secret.csv');
    await writeFile(secret, 'word\nsecret\n');
    const made = join(pipeline.folder, 'made.csv');
    for (const sql of [
      `FROM '${secret}'`,
      `SELECT * FROM attempts, read_text('${secret}')`,
      `COPY (SELECT 1) TO '${made}'`,
      `ATTACH '${made}'`,
      'INSTALL httpfs',
      'SET threads = 1',
    ]) {
      for (const words of [[], ['--output', join(pipeline.folder, 'refused.csv')]]) {
        const { code, stdout, stderr } = await pipeline.command('query', sql, ...words);
        assert.deepEqual([code, stdout], [1, ''], sql);
        assert.match(stderr, /^QUERY_REFUSED: [^]*--trusted/, sql);
      }
    }
    assert.ok(!existsSync(made));
    const trusted = await pipeline.command('query', '--trusted', `COPY (FROM '${secret}') TO '${made}'`);
    assert.equal(trusted.code, 0, trusted.stderr);
    assert.equal(await readFile(made, 'utf8'), 'word\nsecret\n');
  });

  test('paths in a log do not become paths on this machine', async () => {
    const copy = await DamagedCopy.of(pipeline, 'hostile');
    const made = await copy.fileOf('attempts', 'FROM rows LIMIT 1');
    const partitionValues = { source: '../../../../evil*', ingested_on: '2026-01-31', '/../../evil': '/etc' };
    await copy.append('attempts', [{ add: { ...made, partitionValues } }]);
    const cache = join(pipeline.folder, 'cache');
    await mkdir(cache, { recursive: true });
    const before = await readdir(pipeline.folder);
    const { code, stdout, stderr } = await copy.command(
      'query',
      '--json',
      `SELECT source FROM attempts WHERE source LIKE '%evil%'`,
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [{ source: '../../../../evil*' }]);
    assert.deepEqual(await readdir(pipeline.folder), before);
    const files = (await readdir(cache, { recursive: true })).filter((name) => name.endsWith('.parquet'));
    for (const name of files)
      assert.match(name, /\/tables\/[0-9a-f]{16}\/[a-z]+\/partition=[0-9a-f]{32}\/[0-9a-f]{32}\.parquet$/);
  });

  for (const path of ['../victim/part.parquet', 'hdfs://other/x']) {
    test(`a log that names ${path} is rejected`, async () => {
      const copy = await DamagedCopy.of(pipeline, `path-${path.replaceAll(/\W/g, '')}`);
      const { add } = await copy.firstFile('attempts');
      await copy.append('attempts', [{ add: { ...add, path } }]);
      for (const words of [['query', 'FROM attempts'], ['answers'], ['verify']]) {
        const { code, stderr } = await copy.command(...words);
        assert.equal(code, 1);
        assert.match(
          stderr,
          /^TABLE_LOG_INVALID: .*_delta_log\/\d+\.json, line 2, .*the path ".*" (is absolute|has an empty)/m,
        );
      }
    });
  }
});
