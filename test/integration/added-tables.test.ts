/** A table that the program has and the warehouse does not, since an earlier version of the program filled it. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { createPlan } from '../../activities/plan.ts';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import type { TableState } from '../../client/tables/table-state.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { someAttempts } from '../faults/other-topic.ts';
import { DamagedCopy } from '../support/damage.ts';
import { forgetLastEntry, forgetTable } from '../support/earlier-program.ts';
import { TestPipeline, codeOf, openTestWarehouse } from '../support/harness.ts';

const SOURCES = ['one', 'two', 'three'];
const BROKERS = [process.env['PIPELINE_TEST_KAFKA'] ?? '127.0.0.1:9092'];
let seed = 0;

describe('a table that was added', () => {
  let pipeline: TestPipeline;
  let copies = 0;

  before(async () => {
    pipeline = await TestPipeline.create(
      Object.fromEntries(SOURCES.map((name) => [name, { url: `file:${name}.json` }])),
      { kafka: { brokers: BROKERS, partitions: 2 }, limits: { checkpointInterval: 3 } },
    );
    const worker = await pipeline.startWorker();
    await land('one', 12);
    await land('two', 7);
    await worker.kill();
    await forgetTable(pipeline.warehouse.options.hdfs, pipeline.warehouse.path, 'options');
  });

  after(() => pipeline.close());

  /** Lands new attempts of a source. */
  async function land(source: string, count: number): Promise<void> {
    seed += 1;
    await pipeline.placeFiles({ [`${source}.json`]: JSON.stringify(someAttempts(seed, count)) });
    assert.equal((await (await pipeline.start({ source })).result()).rows['deliveries'], count);
  }

  async function verified(): Promise<WarehouseReport> {
    const { code, stdout, stderr } = await pipeline.command('verify', '--json');
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout) as WarehouseReport;
  }

  async function notesOf(table: string): Promise<string> {
    const { notes } = await verified();
    return notes.flatMap(({ where, message }) => (where === table ? [message] : [])).join('\n');
  }

  async function query(sql: string): Promise<unknown> {
    const { stdout, stderr } = await pipeline.command('query', '--json', sql);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  }

  async function stateOf(name: string): Promise<TableState | undefined> {
    const { tables } = JSON.parse((await pipeline.command('tables', '--json')).stdout) as {
      tables: TableState[];
    };
    return tables.find((one) => one.name === name);
  }

  /** The positions of `deliveries` as a new process reads them. */
  async function landedOffsets(): Promise<Record<string, string>> {
    const head = await openTestWarehouse(pipeline.settings, pipeline.logger).table('deliveries').head();
    const partitions = [...(head?.txns ?? [])].filter(([appId]) => appId.startsWith(`${pipeline.name}-`));
    return Object.fromEntries(partitions.map(([appId, version]) => [appId, String(version)]));
  }

  async function copyOf(): Promise<DamagedCopy> {
    copies += 1;
    return DamagedCopy.of(pipeline, `copy-${copies}`);
  }

  /** Returns the error of a plan for a topic over the tables of a copy. */
  function planOver(copy: DamagedCopy): Promise<string> {
    const settings = {
      ...pipeline.settings,
      hdfs: { ...pipeline.settings.hdfs, warehouse: copy.warehouse },
    };
    const plan = createPlan({
      settings,
      kafka: pipeline.kafka,
      warehouse: openTestWarehouse(settings, pipeline.logger),
    });
    return codeOf(plan({ topic: `${pipeline.name}-one`, publishedEnds: {}, until: null }));
  }

  let begin: Record<string, string>;

  test('is no finding before the next batch creates it', async () => {
    begin = await landedOffsets();
    assert.match(await notesOf('options'), /^it does not exist yet: the next batch creates it, .* \d+ of /);
    assert.equal((await stateOf('options'))?.version, null);
  });

  test('is created once by runs of two topics at the same time, and begins where deliveries was', async () => {
    await Promise.all([pipeline.startWorker('one'), pipeline.startWorker('two')]);
    await Promise.all([land('one', 5), land('two', 4)]);
    assert.deepEqual((await stateOf('options'))?.firstOffsets, begin);
    assert.match(
      await notesOf('options'),
      /^it was added to the warehouse: its rows begin with the offsets /,
    );
  });

  test('has the rows of all later batches, and none of earlier ones', async () => {
    assert.deepEqual(
      await query(`
        WITH due AS (SELECT kafka_topic, sum(option_count)::INT AS n FROM questions AS q
          WHERE EXISTS (FROM options AS o WHERE o.kafka_topic = q.kafka_topic
            AND o.kafka_partition = q.kafka_partition AND o.kafka_offset = q.kafka_offset) GROUP BY ALL)
        SELECT count(DISTINCT (kafka_topic, kafka_partition, kafka_offset))::INT AS attempts,
          (SELECT sum(n)::INT FROM due) = count(*) AS whole FROM options`),
      [{ attempts: 9, whole: true }],
    );
  });

  test('is named by the command tables with its first offsets', async () => {
    const { stdout } = await pipeline.command('tables');
    assert.match(stdout, /^options was added to the warehouse: its rows begin with the offsets \d+ of /m);
    assert.deepEqual((await stateOf('questions'))?.firstOffsets, {});
  });

  test('has all rows of a topic that is new after it', async () => {
    await land('three', 6);
    assert.deepEqual((await stateOf('options'))?.firstOffsets, begin);
    const topics = 'SELECT count(*)::INT AS n FROM options WHERE kafka_topic LIKE $$%-three$$';
    assert.notDeepEqual(await query(topics), [{ n: 0 }]);
    await verified();
  });

  test('keeps its first offsets in checkpoints', async () => {
    for (const count of [1, 2, 3]) await land('one', count);
    const snapshot = await openTestWarehouse(pipeline.settings, pipeline.logger).table('options').snapshot();
    assert.ok((snapshot?.version ?? 0) >= 6);
    assert.deepEqual((await stateOf('options'))?.firstOffsets, begin);
    await verified();
  });

  test('lacks no row after its first offset unnoticed', async () => {
    const copy = await copyOf();
    await copy.rewriteRows('options', 'FROM rows WHERE kafka_offset > (SELECT min(kafka_offset) FROM rows)');
    const { findings } = await copy.verify();
    assert.ok(findings.some(({ code, where }) => code === 'CHILD_COUNT' && where === 'options'));
  });

  test('has no row before its first offset unnoticed', async () => {
    const copy = await copyOf();
    const txns = Object.keys(begin).map((key) => ({ txn: { appId: `from/${key}`, version: 1_000 } }));
    await copy.append('options', txns);
    const { findings } = await copy.verify();
    assert.deepEqual(
      findings.map(({ code, where }) => [code, where]),
      [['ROW_BEFORE_TABLE', 'options']],
    );
  });

  test('is refused, not added again, when its folder is gone, as any other table', async () => {
    for (const table of ['options', 'attempts']) {
      const copy = await copyOf();
      await copy.hdfs.delete(`${copy.warehouse}/${table}`, { recursive: true });
      assert.equal(
        await planOver(copy),
        `TABLE_LOG_INVALID: ${copy.warehouse}/${table} does not exist, but deliveries has batches that are in it: it was deleted or moved; deliveries has the rows: pipeline rebuild ${table}`,
      );
    }
  });

  test('is refused when its position in a partition is lost, as any other table', async () => {
    const copy = await copyOf();
    const log = `${copy.warehouse}/options/_delta_log`;
    for (const { name, path } of await copy.hdfs.list(log))
      if (!name.endsWith('.json')) await copy.hdfs.delete(path);
    await copy.rewriteLog('options', ({ txn, ...rest }) =>
      txn && txn.appId !== `${pipeline.name}-one/0` ? { ...rest, txn } : { commitInfo: {}, ...rest },
    );
    assert.match(
      await planOver(copy),
      /^TABLE_LOG_INVALID: deliveries holds \S+-one\/0 up to \d+, but options only up to nothing/,
    );
    const { findings } = await copy.verify();
    assert.ok(findings.some(({ code }) => code === 'TABLES_DISAGREE'));
  });

  test('has the rows of all batches after a rebuild, and is as any other table', async () => {
    const { code, stderr } = await pipeline.command('rebuild', 'options', '--follow');
    assert.equal(code, 0, stderr);
    assert.deepEqual((await stateOf('options'))?.firstOffsets, {});
    assert.equal(await notesOf('options'), '');
    assert.deepEqual(
      await query(
        'SELECT (SELECT sum(option_count) FROM questions) = (SELECT count(*) FROM options) AS "all"',
      ),
      [{ all: true }],
    );
    await land('one', 2);
    await verified();
  });

  test('gets from Kafka what an older version has landed without it since', async () => {
    const own = await TestPipeline.create(
      { one: { url: 'file:one.json' } },
      { kafka: { brokers: BROKERS, partitions: 1 } },
    );
    try {
      const { hdfs } = own.warehouse.options;
      const landOne = async (count: number): Promise<void> => {
        seed += 1;
        await own.placeFiles({ 'one.json': JSON.stringify(someAttempts(seed, count)) });
        assert.equal((await (await own.start({ source: 'one' })).result()).outcome, 'landed');
      };
      const first = await own.startWorker();
      await landOne(4);
      await first.kill();
      await forgetTable(hdfs, own.warehouse.path, 'options');
      const second = await own.startWorker();
      for (const count of [3, 5]) await landOne(count);
      await second.kill();
      await forgetLastEntry(hdfs, `${own.warehouse.path}/options`);
      assert.match((await own.command('verify')).stdout, /^TABLES_DISAGREE: /m);
      await own.startWorker();
      await landOne(2);
      const { code, stdout } = await own.command('verify');
      assert.equal(code, 0, stdout);
      assert.match(stdout, /14 deliveries/);
      const rows = 'SELECT count(DISTINCT kafka_offset)::INT AS n FROM options';
      assert.deepEqual(JSON.parse((await own.command('query', '--json', rows)).stdout), [{ n: 10 }]);
    } finally {
      await own.close();
    }
  });

  test('leaves all tables at the same positions', async () => {
    const warehouse = openTestWarehouse(pipeline.settings, pipeline.logger);
    const expected = await landedOffsets();
    for (const { name } of BATCH_TABLES) {
      const txns = (await warehouse.table(name).head())?.txns ?? new Map<string, bigint>();
      for (const [key, offset] of Object.entries(expected)) assert.equal(String(txns.get(key)), offset, name);
    }
  });
});
