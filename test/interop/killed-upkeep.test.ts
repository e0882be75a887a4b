/**
 * 500 batches land while upkeep is killed in each of its steps, and while Spark and delta-rs compact the same tables:
 * the rows are right at all times, and other programs read every version that is kept.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, before, describe } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { z } from 'zod';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import { readTableHistory } from '../../client/tables/table-history.ts';
import { rowCountOf } from '../../client/query/live-tables.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import { messageOf } from '../../model/errors.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { BATCH_TABLES, deliveries } from '../../tables/index.ts';
import { attempts, options, questions } from '../support/attempt-contract.ts';
import { expectedRows } from '../support/expected-rows.ts';
import { FaultsProxy, type ProxyFault } from '../support/faults-proxy.ts';
import { ROOT, SERVERS, TestPipeline, eventually, type IngestHandle } from '../support/harness.ts';
import { UpkeepOutput, type UpkeepOptions } from '../support/upkeep-options.ts';
import { installReaders, interopSkipReason } from './install.ts';
import { DEFAULT_FS, PythonReader } from './program.ts';

const SOURCE = 'source';
const MESSAGES_OF_A_BATCH = 3;
/** One landing beside each test that works on the tables. */
const LANDINGS = 12;
const BATCHES_OF_A_LANDING = 42;
const MESSAGES_OF_A_LANDING = BATCHES_OF_A_LANDING * MESSAGES_OF_A_BATCH;
const DAY_MS = 86_400_000;
/** The transaction of a run that is so old to the upkeep's clock that it is forgotten. */
const OLD_RUN = 'run/00000000-0000-0000-0000-000000000000';

/** A request of upkeep at which it is killed. */
interface Kill {
  readonly step: string;
  readonly request: RegExp;
  /** The number of such requests that are carried out before. */
  readonly spared: number;
  /** Whether HDFS carries out the request at which it is killed. */
  readonly carriedOut?: true;
}

const KILLS: readonly Kill[] = [
  { step: 'the plan of a compaction', request: /_delta_log\/\d+\.json\?op=OPEN/, spared: 0 },
  { step: 'reading the files to merge', request: /part-.*op=OPEN/, spared: 1 },
  { step: 'the upload of a merged file', request: /_scratch\/.*op=GETFILECHECKSUM/, spared: 0 },
  { step: 'the merged file in its place', request: /op=RENAME.*part-/, spared: 0, carriedOut: true },
  { step: 'the commit of a compaction', request: /op=RENAME.*\d{20}\.json/, spared: 0 },
  { step: 'the answer to that commit', request: /op=RENAME.*\d{20}\.json/, spared: 0, carriedOut: true },
  { step: 'a checkpoint without old transactions', request: /op=RENAME.*\.checkpoint\./, spared: 0 },
  { step: 'the pointer to that checkpoint', request: /op=RENAME.*_last_checkpoint/, spared: 0 },
  {
    step: 'the clean-up between two deletions',
    request: /_delta_log\/.*op=DELETE/,
    spared: 1,
    carriedOut: true,
  },
  { step: 'vacuum between two deletions', request: /part-.*op=DELETE/, spared: 1, carriedOut: true },
];

/** How the upkeep of a test runs. */
interface UpkeepOfTest {
  /** A run that has not ended. */
  readonly run?: IngestHandle;
  readonly kill?: Kill;
  readonly compactsOnly?: boolean;
}

function topicOf({ settings }: TestPipeline): string {
  return settings.sources[SOURCE]?.topic ?? '';
}

describe('500 batches beside killed upkeep, Spark and delta-rs', { skip: interopSkipReason() }, () => {
  /** Clean-up actions, run in reverse order even if the set-up failed. */
  const opened: (() => Promise<void>)[] = [];
  const feed = [...generateAttempts({ seed: 1, count: LANDINGS * MESSAGES_OF_A_LANDING })].map((attempt) =>
    Buffer.from(JSON.stringify(attempt)),
  );
  const producer = new Kafka({ brokers: [SERVERS.kafka], logLevel: logLevel.ERROR }).producer();
  let pipeline: TestPipeline;
  let proxy: FaultsProxy;
  let spark: PythonReader;
  let deltaRs: PythonReader;
  let sent = 0;
  /** Later with each upkeep, so that what one removed has expired for the next. */
  let nowMs = Date.now() + 100 * DAY_MS;

  before(async () => {
    const readers = await installReaders();
    pipeline = await TestPipeline.create(
      { [SOURCE]: {} },
      { limits: { batchMessages: MESSAGES_OF_A_BATCH }, maintenance: { transactionRetention: '30d' } },
    );
    opened.push(() => pipeline.close());
    proxy = await FaultsProxy.start({ target: SERVERS.nameNode });
    opened.push(() => proxy.stop());
    spark = await PythonReader.start(readers, 'spark_reader.py');
    opened.push(() => spark.close());
    deltaRs = await PythonReader.start(readers, 'deltars_reader.py');
    opened.push(() => deltaRs.close());
    await ensureTopic(pipeline.kafka, topicOf(pipeline), { partitions: 1, replicationFactor: 1 });
    await producer.connect();
    opened.push(() => producer.disconnect());
    await pipeline.startWorker();
  });

  after(async () => {
    for (const close of opened.reverse()) await close();
  });

  /**
   * Starts to land the next part of the attempts, and does some work after a few batches.
   * @param work Its parameter is the run.
   */
  async function whileLanding(table: string, work: (run: IngestHandle) => Promise<void>): Promise<void> {
    const part = feed.slice(sent, (sent += MESSAGES_OF_A_LANDING));
    for (let from = 0; from < part.length; from += MESSAGES_OF_A_BATCH) {
      // Each batch in a record batch of its own.
      const messages = part.slice(from, from + MESSAGES_OF_A_BATCH).map((value) => ({ value }));
      await producer.send({ topic: topicOf(pipeline), messages });
    }
    const before = await versionOf(table);
    const run = await pipeline.start({ source: SOURCE });
    await eventually('a few batches have landed', async () => (await versionOf(table)) > before + 3, 60_000);
    await work(run);
    const { batches, rows } = await run.result();
    assert.ok(batches >= BATCHES_OF_A_LANDING, `${batches} batches`);
    assert.equal(rows[attempts.name], part.length);
  }

  async function versionOf(table: string): Promise<number> {
    return (await fresh(table).head())?.version ?? -1;
  }

  /** Opens a table as another process would. */
  function fresh(table: string): DeltaTable {
    return pipeline.warehouse.open(table);
  }

  /** Runs upkeep in a process of its own. @returns What it printed; undefined if it was killed. */
  async function maintain(
    tables: readonly string[],
    { run: open, kill, compactsOnly = false }: UpkeepOfTest = {},
  ): Promise<z.infer<typeof UpkeepOutput> | undefined> {
    nowMs += 10 * DAY_MS;
    const asked: UpkeepOptions = {
      settingsFile: pipeline.settingsFile,
      nameNode: proxy.address,
      staging: join(pipeline.folder, 'staging-upkeep'),
      tables: [...tables],
      nowMs,
      openRuns: open === undefined ? [] : [open.firstExecutionRunId],
      compactsOnly,
    };
    const program = join(ROOT, 'test/support/upkeep-program.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(asked)], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    proxy.clear();
    if (kill !== undefined) {
      const run = async (): Promise<void> => {
        child.kill('SIGKILL');
        await exited;
      };
      const fault: ProxyFault = kill.carriedOut === true ? { kind: 'after', run } : { kind: 'before', run };
      proxy.plan(kill.request, fault, 1, kill.spared);
    }
    const [[code, signal], [stdout, stderr]] = [
      (await exited) as [number | null, string | null],
      await output,
    ];
    if (signal === 'SIGKILL') return undefined;
    assert.equal(code, 0, stderr);
    return UpkeepOutput.parse(JSON.parse(stdout));
  }

  const urlOf = (table: string): string => `${DEFAULT_FS}${pipeline.warehouse.path}/${table}`;

  /** Makes sure that a table has each message up to some offset exactly once, as another program reads it. */
  async function requireGolden(program: PythonReader, table: string): Promise<void> {
    const asked = { url: urlOf(table), source: SOURCE, columns: ['kafka_offset'] };
    const rows = await program.ask(z.array(z.tuple([z.int()])), 'values', asked);
    const offsets = rows.map(([offset]) => offset).sort((one, other) => one - other);
    assert.ok(offsets.length > 0);
    assert.deepEqual(
      offsets,
      Array.from(offsets, (_, index) => index),
      `the offsets of ${table}`,
    );
  }

  for (const [index, kill] of KILLS.entries())
    test(`upkeep killed at ${kill.step} leaves the rows as they are`, async () => {
      const table = index % 2 === 0 ? attempts.name : deliveries.name;
      await whileLanding(table, async (run) => {
        assert.equal(await maintain([table], { run, kill }), undefined, 'it was not killed');
        await requireGolden(deltaRs, table);
      });
    });

  test('Spark compacts a table while upkeep does, or gives way', async () => {
    await whileLanding(options.name, async (run) => {
      const asked = { url: urlOf(options.name) };
      const theirs = spark.ask(z.null(), 'optimize', asked).catch((error: unknown) => error);
      await maintain([options.name], { run, compactsOnly: true });
      const lost = await theirs;
      if (lost !== null) assert.match(messageOf(lost), /concurrent|conflict/i);
    });
  });

  test('delta-rs compacts a table between two upkeeps', async () => {
    await whileLanding(questions.name, async (run) => {
      await maintain([questions.name], { run });
      await deltaRs.ask(z.null(), 'optimize', { url: urlOf(questions.name) });
      await maintain([questions.name], { run });
    });
  });

  test('the upkeep after them merges each table to one file, deletes what is left, and forgets old runs', async () => {
    const fences = [{ appId: OLD_RUN, from: undefined, to: 1n }];
    await fresh(attempts.name).commit({ fences, files: [], info: {}, scratch: 'test' });
    const names = BATCH_TABLES.map(({ name }) => name);
    assert.ok((await maintain(names)) !== undefined);
    for (const table of [attempts, questions, options, deliveries]) {
      const snapshot = await fresh(table.name).snapshot();
      assert.equal(snapshot?.files.size, 1, table.name);
      const due = feed.reduce(
        (sum, payload) => sum + (table === deliveries ? 1 : expectedRows(table, payload).length),
        0,
      );
      assert.equal(rowCountOf([...snapshot.files.values()][0] ?? assert.fail()), due, table.name);
    }
    assert.equal((await fresh(attempts.name).head())?.txns.has(OLD_RUN), false);
    for (const table of [attempts.name, deliveries.name]) await requireGolden(spark, table);
  });

  test('verify finds nothing', async () => {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
  });

  test('Spark and delta-rs read every version that is kept', async () => {
    for (const { name } of BATCH_TABLES) {
      const { versions } = await readTableHistory(pipeline.warehouse, name, 1000);
      const kept = versions.filter(({ readable }) => readable).map(({ version }) => version);
      assert.ok(kept.length > 0);
      const log = await TableVersions.list(
        pipeline.warehouse.options.hdfs,
        pipeline.warehouse.table(name).path,
      );
      const due: number[] = [];
      for (const version of kept) {
        const { files } = await log.snapshotAt(version);
        due.push([...files.values()].reduce((sum, file) => sum + (rowCountOf(file) ?? NaN), 0));
      }
      for (const program of [spark, deltaRs]) {
        const counts = await program.ask(z.array(z.int()), 'counts', { url: urlOf(name), versions: kept });
        assert.deepEqual(counts, due, name);
      }
    }
  });
});
