/**
 * A rebuild whose process is killed after any request of its commit, or that loses the response to any of them; and one
 * that is beside other commits. The rows are the earlier or the rebuilt ones, never a mixture.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { readHistory } from '../../adapters/delta/history.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { commitRebuild, type RebuildOutcome } from '../../steps/rebuild/commit-rebuild.ts';
import { planRebuild } from '../../steps/rebuild/plan-rebuild.ts';
import { rebuildPart } from '../../steps/rebuild/rebuild-part.ts';
import { transformDeliveries, type DeliveriesTask } from '../../steps/rebuild/transform-deliveries.ts';
import { fromThreadResult } from '../../steps/transform/thread-result.ts';
import { compactNext } from '../../steps/upkeep/compact.ts';
import { deliveries, questions } from '../../tables/index.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { failEverywhere } from '../support/fail-everywhere.ts';
import { codeOf } from '../support/harness.ts';
import { copyTable } from '../support/log-copies.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const LOGGER = createLogger('test', 'fatal');
const PARTITION = { source: 's', ingested_on: '2026-01-01' };
const LANDED = 3;
const ATTEMPTS = [...generateAttempts({ seed: 1, count: LANDED + 1 })];

/** A row of `questions`, as its offset and the question's id. */
type Row = string;

function rowsOf(offsets: readonly number[]): Row[] {
  return offsets
    .flatMap((offset) => (ATTEMPTS[offset]?.sequences.questions ?? []).map(({ id }) => `${offset} ${id}`))
    .sort();
}

const ALL_ROWS = rowsOf([0, 1, 2]);
const WRONG_ROWS = [0, 1, 2].map((offset) => `${offset} wrong`);

describe('a rebuild that fails, or is beside other commits', () => {
  let faulty: FaultyHdfs;
  let staging: Staging;
  let base: string;

  before(async () => {
    faulty = await FaultyHdfs.start('rebuild');
    staging = await Staging.open(join(faulty.local, 'staging'), 2 ** 30);
    base = await makeTables(ATTEMPTS.map((attempt) => JSON.stringify(attempt)));
  });

  after(() => faulty.stop());

  function warehouseAt(path: string, hdfs: WebHdfs = faulty.direct): Warehouse {
    return new Warehouse(path, { hdfs, logger: LOGGER, checkpointInterval: 2 });
  }

  function withFiles<T>(sql: (run: (text: string) => Promise<unknown[][]>) => Promise<T>): Promise<T> {
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: faulty.local };
    return withDuckDb(options, (connection) =>
      sql(async (text) => (await connection.runAndReadAll(text)).getRows()),
    );
  }

  /** Writes a data file of a table with the rows of one offset. */
  async function fileOf(
    warehouse: Warehouse,
    table: Table,
    offset: number,
    columns: string,
  ): Promise<AddFile> {
    const file = join(faulty.local, `${table.name}.parquet`);
    await withFiles((run) =>
      run(`COPY (SELECT 't' AS kafka_topic, 0::INTEGER AS kafka_partition, ${offset}::BIGINT AS kafka_offset,
        NULL::TIMESTAMPTZ AS published_at, ${columns}) TO ${sqlText(file)} (FORMAT parquet)`),
    );
    const name = `source=s/ingested_on=2026-01-01/part-${offset}.parquet`;
    const stored = await warehouse.table(table.name).upload(file, () => name, 'test');
    return {
      path: stored.path,
      partitionValues: PARTITION,
      size: stored.bytes,
      modificationTime: stored.modifiedAtMs,
      dataChange: true,
      stats: '{"numRecords":1}',
      tags: { sha256: stored.sha256 },
    };
  }

  async function land(warehouse: Warehouse, table: Table, offset: number, columns: string): Promise<void> {
    const target = warehouse.table(table.name);
    await target.createIfMissing(deltaMetadata(table), 'test');
    const fence = { appId: 't/0', from: offset === 0 ? undefined : BigInt(offset), to: BigInt(offset + 1) };
    const files = [await fileOf(warehouse, table, offset, columns)];
    await target.commit({ fences: [fence], files, info: {}, scratch: 'test' });
  }

  const payloadColumns = (payload: string): string => `${sqlText(payload)} AS payload`;
  const idColumns = (id: string): string => `0::INTEGER AS question_position, ${sqlText(id)} AS question_id`;

  /** Makes `deliveries`, and `questions` with wrong rows; returns the warehouse's path. */
  async function makeTables(payloads: readonly string[]): Promise<string> {
    const path = faulty.fresh();
    const warehouse = warehouseAt(path);
    for (let offset = 0; offset < LANDED; offset += 1) {
      await land(warehouse, questions, offset, idColumns('wrong'));
      await land(warehouse, deliveries, offset, payloadColumns(payloads[offset] ?? ''));
    }
    return path;
  }

  async function copyOf(path: string): Promise<string> {
    const copy = faulty.fresh();
    await copyTable(faulty.direct, path, copy);
    return copy;
  }

  /** Reads the rows of all live files, as a new process does. */
  async function rowsIn(path: string): Promise<Row[]> {
    const table = warehouseAt(path).open(questions.name);
    const snapshot = await table.snapshot();
    assert.ok(snapshot);
    const folder = join(faulty.local, 'read');
    await mkdir(folder, { recursive: true });
    const local: string[] = [];
    for (const file of snapshot.files.values()) {
      local.push(join(folder, `${local.length}.parquet`));
      await writeFile(local.at(-1) ?? '', await faulty.direct.read(hdfsPathOf(table.path, file)));
    }
    const rows = await withFiles((run) =>
      run(`SELECT kafka_offset || ' ' || question_id
        FROM read_parquet([${local.map(sqlText).join(', ')}], union_by_name = true, hive_partitioning = false)`),
    );
    return rows.map(([row]) => String(row)).sort();
  }

  async function rebuildsIn(path: string): Promise<number> {
    const entries = await readHistory(faulty.direct, `${path}/${questions.name}`);
    return entries.filter(({ info }) => info['operation'] === 'REBUILD').length;
  }

  /** One run of `rebuild`, step by step. */
  function runAt(path: string, runId = 'ffffffff-0000-0000-0000-00000000000a', batchMessages = 100) {
    const execution = { workflowId: 'rebuild', runId };
    const run = { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 };
    const limits = { batchBytes: 2 ** 20, batchMessages };
    const deps = (hdfs = faulty.direct) => ({
      warehouse: warehouseAt(path, hdfs),
      staging,
      own: RunStaging.of(staging, execution),
      settings: { worker: { threads: 1 }, limits },
      transform: async (task: DeliveriesTask) => fromThreadResult(await transformDeliveries(task)),
    });
    return {
      run,
      deps,
      plan: () => planRebuild(deps(), run, questions),
      part: (plan: string) => rebuildPart(deps(), run, { table: questions, plan, part: 0 }),
      commit: (plan: string, hdfs = faulty.direct): Promise<RebuildOutcome> =>
        commitRebuild(deps(hdfs), run, { table: questions, plan }),
    };
  }

  /** Plans a rebuild and transforms its only part; returns the plan. */
  async function transformAt(
    path: string,
    ...more: [runId?: string, batchMessages?: number]
  ): Promise<string> {
    const run = runAt(path, ...more);
    const { plan, parts } = await run.plan();
    assert.equal(parts, 1);
    assert.equal((await run.part(plan)).outcome, 'done');
    return plan;
  }

  test('its commit replaces all rows at once, and once, while a landing is beside it', async () => {
    const path = await copyOf(base);
    const plan = await transformAt(path);
    await land(warehouseAt(path), questions, LANDED, idColumns('landed'));
    const landed = `${LANDED} landed`;
    const requests = await failEverywhere(faulty, path, {
      run: (copy, hdfs) => runAt(copy).commit(plan, hdfs),
      check: async (copy, when) => {
        const rows = await rowsIn(copy);
        assert.ok(rows.includes(landed), when);
        const others = rows.filter((row) => row !== landed);
        const expected = (await rebuildsIn(copy)) === 0 ? WRONG_ROWS : ALL_ROWS;
        assert.deepEqual(others, expected, when);
      },
      checkEnd: async (copy) => {
        assert.equal(await rebuildsIn(copy), 1);
        const head = await warehouseAt(copy).open(questions.name).head();
        assert.equal(head?.txns.get('t/0'), BigInt(LANDED + 1));
      },
    });
    assert.ok(requests > 10, `${requests} requests`);
  });

  test('rows in memory are bounded: a part becomes several files', async () => {
    const path = await copyOf(base);
    const plan = await transformAt(path, undefined, 1);
    assert.equal((await runAt(path).commit(plan)).outcome, 'committed');
    assert.equal((await warehouseAt(path).open(questions.name).snapshot())?.files.size, LANDED);
    assert.deepEqual(await rowsIn(path), ALL_ROWS);
  });

  test('a compaction beside it moves rows that it replaces, and is followed', async () => {
    const path = await copyOf(base);
    const plan = await transformAt(path);
    const { deps, run } = runAt(path, 'ffffffff-0000-0000-0000-00000000000b');
    const limits = { targetBytes: 2 ** 27, openPartitionFiles: 2, logRetentionMs: 1, fileRetentionMs: 1 };
    const upkeep = {
      ...deps(),
      limits,
      openRunIds: () => Promise.resolve(new Set<string>()),
    };
    assert.equal((await compactNext(upkeep, run, questions)).files, LANDED);
    assert.deepEqual(await runAt(path).commit(plan), {
      outcome: 'committed',
      version: LANDED + 2,
      replacedFiles: 1,
    });
    assert.deepEqual(await rowsIn(path), ALL_ROWS);
  });

  test('another rebuild, or another program, that changed the table meanwhile makes it begin again', async () => {
    const other = 'ffffffff-0000-0000-0000-00000000000b';
    for (const change of [
      async (path: string) => runAt(path, other).commit(await transformAt(path, other)),
      (path: string) => new OtherProgram(faulty.direct, `${path}/${questions.name}`).restore(2),
    ]) {
      const path = await copyOf(base);
      const plan = await transformAt(path);
      await change(path);
      const before = await rowsIn(path);
      assert.equal((await runAt(path).commit(plan)).outcome, 'stale');
      assert.deepEqual(await rowsIn(path), before);
      assert.equal((await runAt(path).commit(await transformAt(path))).outcome, 'committed');
      assert.deepEqual(await rowsIn(path), ALL_ROWS);
    }
  });

  test('a file that another program deleted before the commit is made again', async () => {
    const path = await copyOf(base);
    const plan = await transformAt(path);
    const folder = `${path}/${questions.name}/source=s/ingested_on=2026-01-01`;
    for (const file of await faulty.direct.list(folder))
      if (file.name.includes('0000000a')) await faulty.direct.delete(file.path);
    const run = runAt(path);
    assert.deepEqual(await run.commit(plan), { outcome: 'incomplete', parts: [0] });
    assert.equal((await run.part(plan)).outcome, 'done');
    assert.equal((await run.commit(plan)).outcome, 'committed');
    assert.deepEqual(await rowsIn(path), ALL_ROWS);
  });

  test('a table whose partitions another program changed gets those of the program', async () => {
    const path = await copyOf(base);
    const program = new OtherProgram(faulty.direct, `${path}/${questions.name}`);
    await program.partition(['source']);
    const plan = await transformAt(path);
    assert.equal((await runAt(path).commit(plan)).outcome, 'committed');
    const snapshot = await warehouseAt(path).open(questions.name).snapshot();
    assert.deepEqual(snapshot?.metadata.partitionColumns, ['source', 'ingested_on']);
    assert.deepEqual(await rowsIn(path), ALL_ROWS);
  });

  test('messages that cannot become rows any more are named, and the table stays as it is', async () => {
    const path = await makeTables([JSON.stringify(ATTEMPTS[0]), '{"keen": 1}', JSON.stringify(ATTEMPTS[2])]);
    const plan = await transformAt(path);
    assert.match(
      await codeOf(runAt(path).commit(plan)),
      /^REBUILD_REFUSED: questions is not rebuilt: 1 message of deliveries .*: t\/0\/1: /,
    );
    assert.deepEqual(await rowsIn(path), WRONG_ROWS);
  });

  test('it waits for deliveries, and does not begin where rows of deliveries are missing', async () => {
    const path = await copyOf(base);
    await land(warehouseAt(path), questions, LANDED, idColumns('landed'));
    assert.match(
      await codeOf(runAt(path).plan()),
      /^DELIVERIES_BEHIND: questions holds t\/0 up to 4, but deliveries only up to 3/,
    );
    await new OtherProgram(faulty.direct, `${path}/${deliveries.name}`).restore(2);
    assert.match(await codeOf(runAt(path).plan()), /^TABLE_REWRITTEN: \S+\/deliveries: version 4 /);
  });
});
