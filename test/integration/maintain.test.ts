import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { listLogFiles } from '../../adapters/delta/log-files.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { UpkeepPlan } from '../../steps/upkeep/plan-upkeep.ts';
import type { MaintainResult } from '../../model/upkeep.ts';
import { expiredLogFiles } from '../../steps/upkeep/clean-log.ts';
import { BATCH_TABLES, deliveries } from '../../tables/index.ts';
import { attempts } from '../support/attempt-contract.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline, eventually, queryStatus } from '../support/harness.ts';
import { scrape } from '../support/scraped.ts';
import { setModified } from '../support/hdfs-times.ts';

const RUNS = 6;
const ROWS = 5;
const DAY_MS = 86_400_000;

/** All rows of a table as one number, whatever their order. */
const ALL_ROWS = BATCH_TABLES.map(
  ({ name }) =>
    `SELECT '${name}' AS name, count(*) AS rows, sum(hash(t)::HUGEINT)::VARCHAR AS sum FROM ${name} AS t`,
).join(' UNION ALL ');

describe('upkeep', () => {
  let pipeline: TestPipeline;
  let contents = 0;
  const startedMs = Date.now();

  before(async () => {
    pipeline = await TestPipeline.create(
      { source: { url: 'file:feed' }, later: { url: 'file:later' } },
      {
        maintenance: { openPartitionFiles: RUNS, fileRetention: '1s' },
        limits: { checkpointInterval: 3 },
      },
    );
    await pipeline.startWorker();
    for (let run = 1; run <= RUNS; run += 1) await ingest();
  });

  after(() => pipeline.close());

  async function ingest(): Promise<void> {
    contents += 1;
    const feed = [...generateAttempts({ seed: contents, count: ROWS })];
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    const { outcome } = await (await pipeline.start({ source: 'source' })).result();
    assert.equal(outcome, 'landed');
  }

  /** Runs a command and returns its output, parsed. */
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  async function requireVerified(): Promise<void> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /no entry of the log names this file/);
  }

  function maintain(...words: string[]): Promise<MaintainResult> {
    return json<MaintainResult>('maintain', ...words, '--follow');
  }

  /** Reads a table’s newest version as a new process does. */
  async function freshSnapshot(name: string): Promise<Snapshot> {
    const snapshot = await new DeltaTable(
      `${pipeline.warehouse.path}/${name}`,
      pipeline.warehouse.options,
    ).snapshot();
    assert(snapshot !== undefined);
    return snapshot;
  }

  const hdfsPath = (table: string, path: string): string => `${pipeline.warehouse.path}/${table}/${path}`;

  test('a dry run names the files that it would merge, and changes nothing', async () => {
    const before = await freshSnapshot('attempts');
    const { tables } = await json<{ tables: UpkeepPlan[] }>('maintain', '--dry-run');
    const plan = tables.find(({ table }) => table === 'attempts');
    assert.deepEqual(
      plan?.compactions.map((files) => files.map(({ path }) => path).sort()),
      [[...before.files.keys()].sort()],
    );
    assert.equal((await freshSnapshot('attempts')).version, before.version);
  });

  test('small files become one with the same rows in the order of their offsets, and runs land after it', async () => {
    const rows = await json('query', ALL_ROWS);
    const { tables } = await maintain();
    for (const { table, compactedFiles, compactions } of tables)
      if (table !== 'quarantine') assert.deepEqual([table, compactedFiles, compactions], [table, RUNS, 1]);
    assert.deepEqual(await json('query', ALL_ROWS), rows);
    const offsets = await json<{ p: number; o: number }[]>(
      'query',
      'SELECT kafka_partition AS p, kafka_offset AS o FROM deliveries',
    );
    const latest = new Map<number, number>();
    for (const { p, o } of offsets) {
      assert.ok(o > (latest.get(p) ?? -1));
      latest.set(p, o);
    }
    const { files } = await freshSnapshot('attempts');
    assert.equal(files.size, 1);
    assert.match([...files.values()][0]?.tags?.['sha256'] ?? '', /^[0-9a-f]{64}$/);
    await requireVerified();
    await ingest();
    await requireVerified();
  });

  test('the metrics of a worker count live files and those to merge, and have the time of the last upkeep', async () => {
    const worker = await pipeline.startWorker('two');
    const { files } = await freshSnapshot('deliveries');
    await eventually('the gauges are exported', async () => {
      const metrics = await scrape(worker);
      const endedAt = metrics.get('pipeline_last_upkeep_timestamp_seconds') ?? 0;
      return (
        endedAt * 1000 > startedMs &&
        metrics.get('pipeline_table_files{table="deliveries"}') === files.size &&
        metrics.get('pipeline_compaction_files{table="deliveries"}') === 0
      );
    });
    await worker.kill();
  });

  test('files that were replaced are deleted after their retention, live ones and those of open runs never', async () => {
    const { hdfs } = pipeline.warehouse.options;
    const waiting = await pipeline.start({ source: 'later' });
    await eventually('it waits', async () => (await queryStatus(waiting)).state === 'waiting');
    const { files, removed } = await freshSnapshot('attempts');
    const folder = [...files.keys()][0]?.replace(/\/[^/]*$/, '') ?? '';
    const nameOf = (runId: string): string =>
      `${folder}/part-${'0'.repeat(16)}-${runId.slice(-8)}-${'0'.repeat(8)}.parquet`;
    const orphans = { open: nameOf(waiting.firstExecutionRunId), ended: nameOf('00000000-ended-00') };
    for (const path of Object.values(orphans))
      await hdfs.create(hdfsPath('attempts', path), Buffer.from('x'));
    const old = [...files.keys(), ...removed.keys(), ...Object.values(orphans)];
    for (const path of old) await setModified(hdfsPath('attempts', path), Date.now() - DAY_MS);
    const fresh = nameOf('00000000-fresh-00');
    await hdfs.create(hdfsPath('attempts', fresh), Buffer.from('x'));
    await setModified(hdfsPath('attempts', fresh), Date.now() + DAY_MS);

    const [upkeep] = (await maintain('attempts')).tables;
    assert.equal(upkeep?.dataFiles, RUNS + 1);
    const exists = async (path: string): Promise<boolean> =>
      (await hdfs.status(hdfsPath('attempts', path))) !== undefined;
    for (const path of [...files.keys(), orphans.open, fresh]) assert.ok(await exists(path), path);
    for (const path of [...removed.keys(), orphans.ended]) assert.ok(!(await exists(path)), path);
    await waiting.executeUpdate('abort');
    await assert.rejects(waiting.result());
    for (const path of [orphans.open, fresh]) await hdfs.delete(hdfsPath('attempts', path));
    await requireVerified();
  });

  test('the log loses what no kept version needs, and is readable after each deletion', async () => {
    const { hdfs } = pipeline.warehouse.options;
    const path = `${pipeline.warehouse.path}/${deliveries.name}`;
    const whole = await freshSnapshot(deliveries.name);
    const logFiles = await listLogFiles(hdfs, path);
    const checkpoints = logFiles.filter(({ kind }) => kind === 'checkpoint');
    const kept = checkpoints.at(-1);
    assert(kept !== undefined && checkpoints.length > 1);
    const old = logFiles.filter(({ version }) => version <= kept.version);
    for (const file of old) await setModified(file.path, Date.now() - 40 * DAY_MS);
    // A pointer to a checkpoint that is deleted would leave a reader without any.
    await hdfs.delete(`${path}/_delta_log/_last_checkpoint`);
    const pointer = JSON.stringify({ version: checkpoints[0]?.version, size: 1 });
    await hdfs.create(`${path}/_delta_log/_last_checkpoint`, Buffer.from(pointer));

    const limits = {
      targetBytes: 1,
      openPartitionFiles: 2,
      logRetentionMs: 30 * DAY_MS,
      fileRetentionMs: DAY_MS,
    };
    const deps = { warehouse: pipeline.warehouse, limits };
    const expired = await expiredLogFiles(deps, deliveries);
    assert.deepEqual(
      expired.map((file) => file.path),
      old.filter(({ version }) => version < kept.version).map((file) => file.path),
    );
    await pipeline.warehouse.table(deliveries.name).pointPast(expired.at(-1)?.version ?? 0, 'test');
    for (const file of expired.slice(0, -1)) {
      await hdfs.delete(file.path);
      const read = await freshSnapshot(deliveries.name);
      assert.deepEqual([read.version, read.files, read.txns], [whole.version, whole.files, whole.txns]);
    }
    const [upkeep] = (await maintain(deliveries.name)).tables;
    assert.equal(upkeep?.logFiles, 1);
    assert.equal((await listLogFiles(hdfs, path))[0]?.version, kept.version);
    await requireVerified();
    await ingest();
    await requireVerified();
  });

  test('a replacement of a file that is no longer live commits nothing', async () => {
    const table = new DeltaTable(`${pipeline.warehouse.path}/${attempts.name}`, pipeline.warehouse.options);
    const { files, version } = await freshSnapshot(attempts.name);
    const [live] = [...files.values()];
    assert(live !== undefined);
    const gone = { ...live, path: `${live.path}.gone` };
    const replacement = {
      operation: 'OPTIMIZE' as const,
      removed: [live, gone],
      added: [],
      maxVersions: new Map(),
      info: {},
      scratch: 'test',
    };
    assert.equal(await table.replaceFiles(replacement), undefined);
    assert.equal((await freshSnapshot(attempts.name)).version, version);
  });

  test('an invalid request, or an unknown table, is refused by name', async () => {
    const start = async (request: object): Promise<unknown> => {
      const options = {
        taskQueue: pipeline.settings.temporal.taskQueue,
        workflowId: `${pipeline.name}-upkeep-${performance.now()}`,
        args: [request],
      };
      return pipeline.client.workflow
        .execute('maintain', options)
        .catch((error: unknown) => String((error as Error).cause));
    };
    assert.match(String(await start({ source: 'x' })), /has the key "source"; there is tables/);
    assert.match(String(await start({ tables: ['../x'] })), /INPUT_INVALID|table/);
    const { code, stderr } = await pipeline.command('maintain', 'nothing');
    assert.equal(code, 2);
    assert.match(stderr, /^TABLE_UNKNOWN: there is no table "nothing"; there are: /);
  });
});
