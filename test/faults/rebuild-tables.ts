import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import type { RebuildDeps } from '../../steps/rebuild/deps.ts';
import { planRebuild, type PlannedRebuild } from '../../steps/rebuild/plan-rebuild.ts';
import { rebuildPart, type RebuiltCounts } from '../../steps/rebuild/rebuild-part.ts';
import { transformDeliveries, type DeliveriesTask } from '../../steps/rebuild/transform-deliveries.ts';
import type { RunContext } from '../../steps/run-context.ts';
import { fromThreadResult } from '../../steps/transform/thread-result.ts';
import { deliveries } from '../../tables/index.ts';
import { questions } from '../support/attempt-contract.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { copyTable } from '../support/log-copies.ts';

const LOGGER = createLogger('test', 'fatal');
const PARTITION = { source: 's', ingested_on: '2026-01-01' };

/** The number of deliveries in a warehouse, at the offsets from 0. */
export const LANDED = 3;

/** The attempts of the deliveries. */
export const ATTEMPTS_SENT = [...generateAttempts({ seed: 1, count: LANDED + 1 })];

/** A row of `questions`, as its offset and the question's id. */
type Row = string;

/** The rows that the deliveries become, sorted. */
export const REBUILT_ROWS: readonly Row[] = ATTEMPTS_SENT.slice(0, LANDED)
  .flatMap(({ sequences }, offset) => sequences.questions.map(({ id }) => `${offset} ${id}`))
  .sort();

/** The rows that `questions` has before it is rebuilt. */
export const WRONG_ROWS: readonly Row[] = [0, 1, 2].map((offset) => `${offset} wrong`);

/** One run of `rebuild`, step by step. */
export interface RebuildRun {
  readonly run: RunContext;
  readonly deps: (hdfs?: WebHdfs) => RebuildDeps;
  readonly plan: (hdfs?: WebHdfs) => Promise<PlannedRebuild>;
  readonly part: (plan: string, hdfs?: WebHdfs) => Promise<RebuiltCounts>;
  readonly commit: (plan: string, hdfs?: WebHdfs) => Promise<RebuildOutcome>;
}

/** Warehouses of `deliveries` and `questions` in a HDFS with faults, and the steps of their rebuilds. */
export class RebuildTables {
  readonly faulty: FaultyHdfs;
  readonly #staging: Staging;
  #files = 0;
  /** Derives files as a rebuild does. */
  transform = async (task: DeliveriesTask) => fromThreadResult(await transformDeliveries(task));

  private constructor(faulty: FaultyHdfs, staging: Staging) {
    this.faulty = faulty;
    this.#staging = staging;
  }

  static async start(name: string): Promise<RebuildTables> {
    const faulty = await FaultyHdfs.start(name);
    return new RebuildTables(faulty, await Staging.open(join(faulty.local, 'staging'), 2 ** 30));
  }

  warehouseAt(path: string, hdfs: WebHdfs = this.faulty.direct): Warehouse {
    return new Warehouse(path, { hdfs, logger: LOGGER, checkpointInterval: 2 });
  }

  /** Makes `deliveries`, and `questions` with wrong rows; returns the warehouse's path. */
  async make(
    payloads: readonly string[] = ATTEMPTS_SENT.map((attempt) => JSON.stringify(attempt)),
  ): Promise<string> {
    const path = this.faulty.fresh();
    for (let offset = 0; offset < LANDED; offset += 1) {
      await this.landQuestion(path, offset, 'wrong');
      await this.#land(path, deliveries, offset, `${sqlText(payloads[offset] ?? '')} AS payload`);
    }
    return path;
  }

  /** Commits a row of `questions` as a landing does. */
  async landQuestion(path: string, offset: number, id: string): Promise<void> {
    const columns = `0::INTEGER AS question_position, ${sqlText(id)} AS question_id`;
    await this.#land(path, questions, offset, columns);
  }

  async copyOf(path: string): Promise<string> {
    const copy = this.faulty.fresh();
    await copyTable(this.faulty.direct, path, copy);
    return copy;
  }

  /** Reads the rows of all live files of `questions`, as a new process does. */
  async rowsIn(path: string): Promise<Row[]> {
    const table = this.warehouseAt(path).open(questions.name);
    const snapshot = await table.snapshot();
    assert.ok(snapshot);
    const folder = join(this.faulty.local, 'read');
    await mkdir(folder, { recursive: true });
    const local: string[] = [];
    for (const file of snapshot.files.values()) {
      local.push(join(folder, `${local.length}.parquet`));
      await writeFile(local.at(-1) ?? '', await this.faulty.direct.read(hdfsPathOf(table.path, file)));
    }
    const rows = await this.#query(
      `SELECT kafka_offset || ' ' || question_id
        FROM read_parquet([${local.map(sqlText).join(', ')}], union_by_name = true, hive_partitioning = false)`,
    );
    return rows.map(([row]) => String(row)).sort();
  }

  /** Counts the entries of an operation in the log of `questions`. */
  async countEntries(path: string, operation: string): Promise<number> {
    const entries = await readHistory(this.faulty.direct, `${path}/${questions.name}`);
    return entries.filter(({ info }) => info['operation'] === operation).length;
  }

  runAt(path: string, runId = 'ffffffff-0000-0000-0000-00000000000a', batchMessages = 100): RebuildRun {
    const execution = { workflowId: 'rebuild', runId };
    const run = { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 };
    const deps = (hdfs?: WebHdfs): RebuildDeps => ({
      warehouse: this.warehouseAt(path, hdfs),
      staging: this.#staging,
      own: RunStaging.of(this.#staging, execution),
      settings: { worker: { threads: 1 }, limits: { batchBytes: 2 ** 20, batchMessages } },
      transform: (task) => this.transform(task),
    });
    return {
      run,
      deps,
      plan: (hdfs) => planRebuild(deps(hdfs), run, questions),
      part: (plan, hdfs) => rebuildPart(deps(hdfs), run, { table: questions, plan, part: 0 }),
      commit: (plan, hdfs) => commitRebuild(deps(hdfs), run, { table: questions, plan }),
    };
  }

  /** Plans a rebuild and transforms its only part; returns the plan. */
  async transformAt(path: string, ...more: [runId?: string, batchMessages?: number]): Promise<string> {
    const run = this.runAt(path, ...more);
    const { plan, parts } = await run.plan();
    assert.equal(parts, 1);
    assert.equal((await run.part(plan)).outcome, 'done');
    return plan;
  }

  async #land(path: string, table: Table, offset: number, columns: string): Promise<void> {
    const target = this.warehouseAt(path).table(table.name);
    await target.createIfMissing(deltaMetadata(table), 'test');
    const fence = { appId: 't/0', from: offset === 0 ? undefined : BigInt(offset), to: BigInt(offset + 1) };
    const local = join(this.faulty.local, `${table.name}.parquet`);
    await this.#query(
      `COPY (SELECT 't' AS kafka_topic, 0::INTEGER AS kafka_partition, ${offset}::BIGINT AS kafka_offset,
        NULL::TIMESTAMPTZ AS published_at, ${columns}) TO ${sqlText(local)} (FORMAT parquet)`,
    );
    this.#files += 1;
    const name = `part-${offset}-${this.#files}.parquet`;
    const file = await target.pending.upload(
      {
        local,
        folder: 'source=s/ingested_on=2026-01-01',
        nameOf: () => name,
        partitionValues: PARTITION,
        stats: '{"numRecords":1}',
      },
      'test',
    );
    await target.commit({ fences: [fence], files: [file], info: {}, scratch: 'test' });
  }

  #query(text: string): Promise<unknown[][]> {
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: this.faulty.local };
    return withDuckDb(options, async (connection) => (await connection.runAndReadAll(text)).getRows());
  }
}
