/**
 * An erasure whose process is killed after any of its requests to HDFS, or that loses the response to any of them. After
 * that another process goes on: no file has a row of the person, and the other rows are the same.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { RunContext } from '../../steps/run-context.ts';
import type { ErasureDeps } from '../../steps/erasure/deps.ts';
import { eraseTable } from '../../steps/erasure/erase-table.ts';
import { erasedRangesIn } from '../../steps/erasure/erased-offsets.ts';
import { findMessages } from '../../steps/erasure/find-messages.ts';
import { PersonKey } from '../../steps/erasure/person-key.ts';
import { suppress } from '../../steps/erasure/suppress.ts';
import { SuppressionList } from '../../steps/erasure/suppression-list.ts';
import { createTable } from '../../steps/landing/added-tables.ts';
import { copyToParquet } from '../../steps/transform/table-files.ts';
import { listDataFiles } from '../../steps/upkeep/vacuum.ts';
import { deliveries, quarantine } from '../../tables/index.ts';
import { questions } from '../support/attempt-contract.ts';
import type { Table } from '../../tables/table.ts';
import type { ProxyFault } from '../support/faults-proxy.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { copyTable } from '../support/log-copies.ts';

const KEY_VARIABLE = 'PIPELINE_TEST_ERASURE_KEY';
const ERASURE = { keyVariable: KEY_VARIABLE };
const LOGGER = createLogger('test', 'fatal');
const SOURCE = 's';
const PARTITION = 'source=s/ingested_on=2026-01-01';
const KILLED: ProxyFault = { kind: 'reset' };
const ANSWER_LOST: ProxyFault = { kind: 'swallow-answer' };

/** The requests of a step that fail: the later ones of a suppression are the same for further tables. */
const MAX_FAULTS = 24;

/** One erasure of the source. */
const STARTED = { source: SOURCE, number: 1 };

describe('erasure that fails at any of its requests', () => {
  let faulty: FaultyHdfs;
  let staging: Staging;
  let runs = 0;

  before(async () => {
    process.env[KEY_VARIABLE] = 'a secret key of the tests, 32 bytes or more';
    faulty = await FaultyHdfs.start('erase');
    staging = await Staging.open(join(faulty.local, 'staging'), 2 ** 30);
  });

  after(() => faulty.stop());

  /** Returns the services and the run of a new process. */
  function newRun(path: string, hdfs: WebHdfs): { deps: ErasureDeps; run: RunContext } {
    runs += 1;
    const runId = `00000000-0000-0000-0000-${String(runs).padStart(12, '0')}`;
    const execution = { workflowId: 'erase', runId };
    const warehouse = new Warehouse(path, { hdfs, logger: LOGGER, checkpointInterval: 2 });
    const deps: ErasureDeps = {
      settings: { erasure: ERASURE, sources: {} },
      warehouse,
      kafka: { brokers: [], logger: LOGGER },
      staging,
      own: RunStaging.of(staging, execution),
    };
    return { deps, run: { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 } };
  }

  /** Writes the tables with two files each: of the persons a and b, and of c alone. */
  async function makeWarehouse(path: string): Promise<void> {
    const { warehouse } = newRun(path, faulty.direct).deps;
    for (const table of [quarantine, questions, deliveries]) await createTable(warehouse, table, 'test');
    for (const [file, persons] of [['a', 'b'], ['c']].entries())
      for (const table of [questions, deliveries]) await addFile(warehouse, table, file, persons);
  }

  async function addFile(
    warehouse: Warehouse,
    table: Table,
    file: number,
    persons: readonly string[],
  ): Promise<void> {
    const local = join(faulty.local, `${table.name}.parquet`);
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: faulty.local };
    const rows = persons.map((person, index) => {
      const named =
        table === deliveries ? `encode(${sqlText(person)}) AS key` : `${sqlText(person)} AS question_id`;
      return `SELECT 't' AS kafka_topic, 0::INTEGER AS kafka_partition, ${file * 10 + index}::BIGINT AS kafka_offset, ${named}`;
    });
    const written = await withDuckDb(options, (connection) =>
      copyToParquet(connection, table, rows.join(' UNION ALL '), local),
    );
    const deltaTable = warehouse.table(table.name);
    const name = `part-${'0'.repeat(15)}${file}-00000000-00000000.parquet`;
    const pending = await deltaTable.pending.upload(
      {
        local,
        folder: PARTITION,
        nameOf: () => name,
        partitionValues: { source: SOURCE, ingested_on: '2026-01-01' },
        stats: written.stats,
      },
      'test',
    );
    const fence = { appId: 't/0', from: file === 0 ? undefined : 10n, to: BigInt(file + 1) * 10n };
    await deltaTable.commit({ fences: [fence], files: [pending], info: {}, scratch: 'test' });
  }

  /** Reads the persons in all files of a table, live or not. */
  async function personsIn(path: string, name: string, isLive: boolean): Promise<string[]> {
    const table = newRun(path, faulty.direct).deps.warehouse.table(name);
    const live = [...((await table.snapshot())?.files.values() ?? [])].map((file) =>
      hdfsPathOf(table.path, file),
    );
    const files = isLive ? live : (await listDataFiles(faulty.direct, table.path)).map((file) => file.path);
    const persons: string[] = [];
    for (const file of files) {
      const local = join(faulty.local, 'read.parquet');
      await faulty.direct.download(file, local, (await faulty.direct.status(file))?.length ?? 0);
      const column = name === 'deliveries' ? 'decode(key)' : 'question_id';
      const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: faulty.local };
      await withDuckDb(options, async (connection) => {
        const read = await connection.runAndReadAll(`SELECT ${column} FROM read_parquet(${sqlText(local)})`);
        persons.push(...read.getRows().map(([person]) => String(person)));
      });
    }
    return persons.sort();
  }

  /**
   * Runs a step on copies of a warehouse, with a fault at each of its requests to the NameNode, and then again without.
   * @returns The number of requests.
   */
  async function failEverywhere(
    base: string,
    fault: ProxyFault,
    step: (context: ReturnType<typeof newRun>) => Promise<unknown>,
    check: (path: string) => Promise<void>,
  ): Promise<number> {
    const copy = async (): Promise<string> => {
      const path = faulty.fresh();
      await copyTable(faulty.direct, base, path);
      return path;
    };
    const whole = await copy();
    faulty.clear();
    await step(newRun(whole, faulty.client()));
    const requests = faulty.nameNode.seen.length;
    for (let spared = 0; spared < Math.min(requests, MAX_FAULTS); spared += 1) {
      const path = await copy();
      faulty.clear();
      faulty.nameNode.plan(/./, fault, fault === KILLED ? Infinity : 1, spared);
      const failure: unknown = await step(newRun(path, faulty.client())).then(
        () => undefined,
        (error: unknown) => error,
      );
      faulty.clear();
      const when = `${fault.kind} after ${spared} of ${requests} requests`;
      if (failure !== undefined)
        assert.ok(failure instanceof PipelineError, `${when}: ${messageOf(failure)}`);
      await step(newRun(path, faulty.direct));
      await check(path);
    }
    return requests;
  }

  const suppressA = ({ deps, run }: ReturnType<typeof newRun>) => {
    const persons = [PersonKey.read(ERASURE).hash(SOURCE, 'a')];
    return suppress(deps, run, { source: SOURCE, persons, requestedBy: 'x', reason: 'y' });
  };

  /** Writes a warehouse in which the persons are suppressed and, if asked for, found. */
  async function makeErasure(isFound: boolean): Promise<string> {
    const base = faulty.fresh();
    await makeWarehouse(base);
    const context = newRun(base, faulty.direct);
    await suppressA(context);
    if (isFound) await findMessages(context.deps, context.run, SOURCE);
    return base;
  }

  test('the suppression of a person is on the list, and known to every table', async () => {
    const base = faulty.fresh();
    await makeWarehouse(base);
    const requests = await failEverywhere(base, KILLED, suppressA, async (path) => {
      const { warehouse } = newRun(path, faulty.direct).deps;
      const list = (await new SuppressionList(warehouse).read([SOURCE])).get(SOURCE);
      assert.equal(list?.persons.size, 1);
      for (const { name } of [quarantine, questions, deliveries]) {
        const known = (await warehouse.table(name).head())?.txns.get('erasures/source/s');
        assert.equal(known, BigInt(list.number));
      }
    });
    assert.ok(requests > 30, `${requests} requests`);
  });

  test('the messages of the person are recorded once', async () => {
    const base = await makeErasure(false);
    const find = ({ deps, run }: ReturnType<typeof newRun>) => findMessages(deps, run, SOURCE);
    const requests = await failEverywhere(base, KILLED, find, async (path) => {
      const head = await newRun(path, faulty.direct).deps.warehouse.table('deliveries').head();
      const range = { topic: 't', partition: 0, start: '0', end: '1' };
      assert.deepEqual(erasedRangesIn(head?.txns ?? new Map()), [range]);
    });
    assert.ok(requests > 10, `${requests} requests`);
  });

  for (const table of [questions, deliveries])
    test(`no file of ${table.name} has a row of the person, and the others have theirs`, async () => {
      const base = await makeErasure(true);
      assert.deepEqual(await personsIn(base, table.name, true), ['a', 'b', 'c']);
      const erase = ({ deps, run }: ReturnType<typeof newRun>) =>
        eraseTable(deps, run, { table, erasure: STARTED });
      const fault = table === questions ? KILLED : ANSWER_LOST;
      const requests = await failEverywhere(base, fault, erase, async (path) => {
        assert.deepEqual(await personsIn(path, table.name, true), ['b', 'c']);
        assert.ok(!(await personsIn(path, table.name, false)).includes('a'));
      });
      assert.ok(requests > 15, `${requests} requests`);
    });
});
