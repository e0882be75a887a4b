/**
 * Upkeep whose process is killed after any of its requests to HDFS, or that loses the response to any of them. After
 * that another process does the upkeep again: the rows stay the same, and every live file exists.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { listLogFiles } from '../../adapters/delta/log-files.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import { cleanLog } from '../../steps/upkeep/clean-log.ts';
import { compactNext } from '../../steps/upkeep/compact.ts';
import type { UpkeepDeps } from '../../steps/upkeep/deps.ts';
import { listDataFiles, vacuum } from '../../steps/upkeep/vacuum.ts';
import { questions } from '../support/attempt-contract.ts';
import { deltaMetadata } from '../../tables/table.ts';
import { failEverywhere } from '../support/fail-everywhere.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';

const FILES = 3;
const DAY_MS = 86_400_000;
const LIMITS = {
  targetBytes: 2 ** 27,
  openPartitionFiles: 50,
  logRetentionMs: DAY_MS,
  fileRetentionMs: DAY_MS,
};
const LOGGER = createLogger('test', 'fatal');

describe('upkeep that fails at any of its requests', () => {
  let faulty: FaultyHdfs;
  let staging: Staging;
  let runs = 0;
  let opened = 0;

  before(async () => {
    faulty = await FaultyHdfs.start('upkeep');
    staging = await Staging.open(join(faulty.local, 'staging'), 2 ** 30);
  });

  after(() => faulty.stop());

  /** Opens a warehouse whose clock is 100 days ahead of the one opened before, so that everything has expired. */
  function warehouseAt(path: string, hdfs: WebHdfs): Warehouse {
    const atMs = Date.now() + (opened += 1) * 100 * DAY_MS;
    const nowMs = (): number => atMs;
    return new Warehouse(path, { hdfs, logger: LOGGER, checkpointInterval: 2, nowMs });
  }

  /** Returns the context of a new run. */
  function newRun(warehouse: Warehouse) {
    runs += 1;
    const execution = {
      workflowId: 'maintain',
      runId: `00000000-0000-0000-0000-${String(runs).padStart(12, '0')}`,
    };
    const deps: UpkeepDeps = {
      warehouse,
      limits: LIMITS,
      staging,
      own: RunStaging.of(staging, execution),
      openRunIds: () => Promise.resolve(new Set<string>()),
    };
    return { deps, run: { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 } };
  }

  /** Writes a table of several small files of a past day, with checkpoints. */
  async function makeTable(path: string): Promise<void> {
    const table = new DeltaTable(`${path}/questions`, {
      hdfs: faulty.direct,
      logger: LOGGER,
      checkpointInterval: 2,
    });
    await table.createIfMissing(deltaMetadata(questions), 'test');
    for (let offset = 0; offset < FILES; offset += 1) {
      const file = join(faulty.local, `${offset}.parquet`);
      await withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: faulty.local }, (connection) =>
        connection.run(
          `COPY (SELECT 't' AS kafka_topic, 0::INTEGER AS kafka_partition, ${offset}::BIGINT AS kafka_offset,
             'q${offset}' AS question_id) TO ${sqlText(file)} (FORMAT parquet)`,
        ),
      );
      const pending = await table.pending.upload(
        {
          local: file,
          folder: 'source=s/ingested_on=2026-01-01',
          nameOf: () => `part-${offset}.parquet`,
          partitionValues: { source: 's', ingested_on: '2026-01-01' },
          stats: '{"numRecords":1}',
        },
        'test',
      );
      const fence = { appId: 't/0', from: offset === 0 ? undefined : BigInt(offset), to: BigInt(offset + 1) };
      await table.commit({ fences: [fence], files: [pending], info: {}, scratch: 'test' });
    }
  }

  /** Reads the question ids of all live files, as a new process does, in their order. */
  async function idsIn(path: string): Promise<string[]> {
    const table = new DeltaTable(`${path}/questions`, {
      hdfs: faulty.direct,
      logger: LOGGER,
      checkpointInterval: 2,
    });
    const snapshot = await table.snapshot();
    assert.ok(snapshot);
    assert.equal(snapshot.txns.get('t/0'), BigInt(FILES));
    const folder = join(faulty.local, 'read');
    await mkdir(folder, { recursive: true });
    const local: string[] = [];
    for (const file of snapshot.files.values()) {
      local.push(join(folder, `${local.length}.parquet`));
      await writeFile(local.at(-1) ?? '', await faulty.direct.read(hdfsPathOf(table.path, file)));
    }
    return withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, async (connection) => {
      const read = await connection.runAndReadAll(
        `SELECT question_id FROM read_parquet([${local.map(sqlText).join(', ')}])`,
      );
      return read.getRows().map(([id]) => String(id));
    });
  }

  const ALL_IDS = Array.from({ length: FILES }, (_, offset) => `q${offset}`);

  function failAt(
    base: string,
    step: (context: ReturnType<typeof newRun>) => Promise<unknown>,
    checkEnd: (path: string) => Promise<void>,
  ): Promise<number> {
    return failEverywhere(faulty, base, {
      run: (path, hdfs) => step(newRun(warehouseAt(path, hdfs))),
      check: async (path, when) => {
        assert.deepEqual((await idsIn(path)).sort(), ALL_IDS, when);
      },
      checkEnd,
    });
  }

  const compact = ({ deps, run }: ReturnType<typeof newRun>) => compactNext(deps, run, questions);

  test('compaction leaves one file with the same rows, in the order of their offsets', async () => {
    const base = faulty.fresh();
    await makeTable(base);
    const requests = await failAt(base, compact, async (path) => {
      const snapshot = await warehouseAt(path, faulty.direct).table('questions').snapshot();
      assert.equal(snapshot?.files.size, 1);
      assert.deepEqual(await idsIn(path), ALL_IDS);
    });
    assert.ok(requests > 15, `${requests} requests`);
  });

  test('the clean-up of the log leaves what the newest checkpoint needs', async () => {
    const base = faulty.fresh();
    await makeTable(base);
    const clean = ({ deps, run }: ReturnType<typeof newRun>) =>
      cleanLog(deps, questions, run.execution.runId);
    const requests = await failAt(base, clean, async (path) => {
      const [first] = await listLogFiles(faulty.direct, `${path}/questions`);
      assert.equal(first?.version, 2);
    });
    assert.ok(requests > 5, `${requests} requests`);
  });

  test('vacuum leaves the live files alone', async () => {
    const base = faulty.fresh();
    await makeTable(base);
    await compact(newRun(warehouseAt(base, faulty.direct)));
    const clean = ({ deps }: ReturnType<typeof newRun>) => vacuum(deps, questions);
    const requests = await failAt(base, clean, async (path) => {
      assert.equal((await listDataFiles(faulty.direct, `${path}/questions`)).length, 1);
    });
    assert.ok(requests > FILES, `${requests} requests`);
  });
});
