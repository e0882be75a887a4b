import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import test, { after, before, describe } from 'node:test';
import { withAdmin } from '../../adapters/kafka/client.ts';
import { EXIT } from '../../client/cli/exit.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TABLES } from '../../tables/index.ts';
import { TestPipeline } from '../support/harness.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

interface Preview {
  readonly records: number;
  readonly whole: boolean;
  readonly landed: number;
  readonly quarantined: number;
  readonly overLimit: string | null;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
}

describe('pipeline preview', () => {
  let platform: Platform;
  let pipeline: TestPipeline;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: 11, count: 300 });
    pipeline = await TestPipeline.create({
      feed: { url: `${platform.url}/attempts` },
      daily: { url: `${platform.url}/attempts?from={from}&to={to}` },
      cut: { url: `${platform.url}/attempts?fault=cut&bytes=200000` },
      closed: { url: `${platform.url}/attempts?fault=status&status=403` },
      mixed: { url: 'file:mixed.json', quarantineLimit: 0.1 },
      given: {},
    });
    await pipeline.placeFiles({
      'mixed.json': JSON.stringify([...goodAttempts(1, 7), ...badAttempts(2, 3)]),
    });
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  async function preview(code: number, ...words: string[]): Promise<Preview> {
    const ended = await pipeline.command('preview', ...words, '--json');
    assert.equal(ended.code, code, ended.stderr);
    return JSON.parse(ended.stdout) as Preview;
  }

  test('reads the beginning of a feed, or all of it', async () => {
    const some = await preview(EXIT.ok, 'feed', '--records', '20');
    assert.deepEqual([some.records, some.landed, some.quarantined, some.whole], [20, 20, 0, false]);
    const all = await preview(EXIT.ok, 'feed');
    assert.deepEqual([all.records, all.landed, all.whole], [300, 300, true]);
    const interval = ['--from', '2017-12-01', '--to', '2017-12-02'];
    const { records, whole } = await preview(EXIT.ok, 'daily', ...interval);
    assert.ok(whole && records > 0 && records < 100, `${records} records of a day`);
  });

  test('shows the records that would be quarantined, and exits with 3 if a run would wait for a decision', async () => {
    const { code, stdout, stderr } = await pipeline.command('preview', 'mixed');
    assert.deepEqual([code, stderr], [EXIT.waiting, '']);
    assert.match(stdout, /^source mixed: a JSON array; all of it was read: 10 records, /);
    assert.match(stdout, /^7 records would land, 3 would be quarantined\.$/m);
    assert.match(stdout, /^ {2}3 at transform: max_attempts must be a whole number of 32 bits/m);
    assert.match(stdout, /^ {2}record numbers: 8, 9, 10$/m);
    assert.match(stdout, /^A run would wait for a person: source mixed, .*3 of 10 records, 30 %/m);
    assert.match(stdout, /^attempts: 7 rows$/m);
  });

  test('shows the records before the truncation of a content, and exits with 1', async () => {
    const { code, stdout, stderr } = await pipeline.command('preview', 'cut', '--json');
    assert.equal(code, EXIT.failed);
    const shown = JSON.parse(stdout) as Preview;
    assert.ok(shown.records > 10 && shown.landed === shown.records && !shown.whole);
    assert.match(stderr, /"code":"SOURCE_UNREACHABLE"/);
    assert.match((await pipeline.command('preview', 'closed')).stderr, /^SOURCE_REFUSED: /);
  });

  test('accepts a file that no source names', async () => {
    const file = `${pipeline.folder}/mixed.json`;
    const shown = await preview(EXIT.ok, file);
    assert.deepEqual([shown.landed, shown.quarantined, shown.overLimit], [7, 3, null]);
    const asLines = await pipeline.command('preview', file, '--format', 'ndjson');
    assert.equal(asLines.code, EXIT.failed);
    assert.match(
      asLines.stderr,
      /^SOURCE_MALFORMED: .* is one JSON array.*set the source’s format to json-array$/m,
    );
  });

  test('names invalid arguments', async () => {
    for (const [message, ...words] of [
      [/^SOURCE_UNKNOWN: there is no source "other" \(the sources are: feed, .*no such file/, 'other'],
      [/^USAGE_INVALID: source given has no url: there is nothing to fetch/, 'given'],
      [/^USAGE_INVALID: the url of source daily has \{from\}: give --from/, 'daily'],
      [/^USAGE_INVALID: the format of source feed is set/, 'feed', '--format', 'ndjson'],
      [/^USAGE_INVALID: .*mixed.json is a file/, `${pipeline.folder}/mixed.json`, '--from', '2026-01-01'],
    ] as const) {
      const { code, stdout, stderr } = await pipeline.command('preview', ...words);
      assert.deepEqual([code, stdout], [EXIT.usage, ''], stderr);
      assert.match(stderr, message);
    }
  });

  test('writes nothing anywhere', async () => {
    const topics = await withAdmin(pipeline.kafka, (admin) => admin.listTopics());
    assert.deepEqual(
      topics.filter((topic) => topic.startsWith(pipeline.name)),
      [],
    );
    for (const table of TABLES)
      assert.equal(await pipeline.warehouse.table(table.name).snapshot(), undefined, table.name);
    assert.deepEqual((await readdir(pipeline.folder)).sort(), ['mixed.json', 'pipeline.yaml']);
  });

  test('agrees with the run that follows', async () => {
    const shown = await preview(EXIT.ok, 'feed');
    await pipeline.startWorker();
    const run = await pipeline.start({ source: 'feed' });
    const { rows } = await run.result();
    assert.deepEqual(
      shown.tables.map(({ table, rows: count }) => [table, count]),
      ['attempts', 'questions', 'options', 'deliveries'].map((table) => [table, rows[table]]),
    );
  });
});
