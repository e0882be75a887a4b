import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { z } from 'zod';
import { messageOf } from '../../model/errors.ts';
import type { Waiting } from '../../model/run.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { eventually, queryStatus, TestPipeline } from '../support/harness.ts';
import { Feed } from './feed.ts';
import { installReaders, interopSkipReason } from './install.ts';
import { DEFAULT_FS, PythonReader } from './program.ts';

type Run = Awaited<ReturnType<TestPipeline['start']>>;
type Commands = 'restore' | 'drop_rows' | 'optimize' | 'optimize_held' | 'vacuum';

/** The operation in each program's commit. */
const OPERATIONS: readonly [
  name: 'spark' | 'deltaRs',
  operations: Record<'restore' | 'drop_rows', string>,
][] = [
  ['spark', { restore: 'RESTORE', drop_rows: 'WRITE' }],
  ['deltaRs', { restore: 'RESTORE', drop_rows: 'DELETE' }],
];
const ROWS = 3;

describe(
  'a table that Spark or delta-rs changed by a command of its own',
  { skip: interopSkipReason() },
  () => {
    /** Clean-up actions, run in reverse order even if the set-up failed. */
    const opened: (() => Promise<void>)[] = [];
    const programs: Partial<Record<'spark' | 'deltaRs', PythonReader>> = {};
    let feed: Feed;
    /** The HDFS of the workers. */
    let hdfs: FaultyHdfs;
    let pipeline: TestPipeline;
    let contents = 0;

    before(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'interop-feed-'));
      opened.push(() => rm(folder, { recursive: true }));
      const readers = await installReaders();
      feed = new Feed(folder, 'customer');
      hdfs = await FaultyHdfs.start('interop');
      opened.push(() => hdfs.stop());
      pipeline = await TestPipeline.create(
        { customer: feed.source },
        { maintenance: { openPartitionFiles: 2 } },
        { hdfs: { nameNodes: [hdfs.nameNode.address] } },
      );
      opened.push(() => pipeline.close());
      await pipeline.startWorker();
      for (const [name, script] of [
        ['spark', 'spark_reader.py'],
        ['deltaRs', 'deltars_reader.py'],
      ] as const) {
        const program = await PythonReader.start(readers, script);
        opened.push(() => program.close());
        programs[name] = program;
      }
      await requireLands();
    });

    after(async () => {
      for (const close of opened.reverse()) await close();
    });

    /** Starts a run with content that is new. */
    async function startNew(): Promise<Run> {
      contents += 1;
      await feed.deliver(100_000 * contents, ROWS);
      return pipeline.start({ source: 'customer' });
    }

    async function requireLands(): Promise<void> {
      assert.equal((await (await startNew()).result()).rows['attempts'], ROWS);
    }

    async function waitingOf(run: Run): Promise<Waiting> {
      await eventually(
        `${run.workflowId} waits`,
        async () => (await queryStatus(run)).state === 'waiting',
        60_000,
      );
      return (await queryStatus(run)).waiting ?? assert.fail('it waits for nothing');
    }

    async function versionOf(table: string): Promise<number> {
      return (await pipeline.warehouse.table(table).head())?.version ?? assert.fail(`there is no ${table}`);
    }

    for (const [name, operations] of OPERATIONS)
      describe(`after ${name} changed a table`, () => {
        async function ask(
          command: Commands,
          table: string,
          asked: Record<string, unknown> = {},
        ): Promise<void> {
          const url = `${DEFAULT_FS}${pipeline.warehouse.path}/${table}`;
          await programs[name]?.ask(z.null(), command, { url, ...asked });
        }

        for (const [command, table] of [
          ['restore', 'attempts'],
          ['restore', 'runs'],
          ['drop_rows', 'deliveries'],
        ] as const)
          test(`by ${command} of ${table}: a run waits, names the commit, and continues when the rows are restored`, async () => {
            await requireLands();
            const whole = await versionOf(table);
            await ask(command, table, command === 'restore' ? { version: whole - 1 } : {});
            const run = await startNew();
            const { step, code, message } = await waitingOf(run);
            await ask('restore', table, { version: whole });
            assert.deepEqual([step, code], ['consume', 'TABLE_REWRITTEN']);
            assert.match(
              message,
              new RegExp(
                `/${table}: version ${whole + 1} \\(${operations[command]}\\), .* version ${whole} still has them$`,
              ),
            );
            await run.executeUpdate('retry');
            assert.equal((await run.result()).rows['attempts'], ROWS);
          });

        test('by a compaction: a run lands', async () => {
          const before = await versionOf('deliveries');
          await ask('optimize', 'deliveries');
          assert.equal(await versionOf('deliveries'), before + 1);
          await requireLands();
        });

        if (name === 'spark')
          test('by a compaction beside upkeep: it reads the same rows as before, and a run lands', async () => {
            const before = await growDeliveries();
            const theirs = ask('optimize', 'deliveries').catch((error: unknown) => error);
            await compactDeliveries();
            // The second rewrite of the same files is dropped.
            const lost = await theirs;
            if (lost !== undefined) assert.match(messageOf(lost), /concurrent|conflict/i);
            assert.deepEqual(await offsetsOf('deliveries'), before);
            await requireLands();
          });
        else
          test('by a compaction that began before upkeep and ended after it: a run waits, and continues when it is undone', async () => {
            const before = await growDeliveries();
            const url = `${DEFAULT_FS}${pipeline.warehouse.path}/deliveries`;
            const held = await programs[name]?.ask(z.int(), 'hold', { url });
            await compactDeliveries();
            await ask('optimize_held', 'deliveries');
            const twice = [...before, ...before].sort();
            assert.deepEqual(await offsetsOf('deliveries'), twice);
            const compacted = await versionOf('deliveries');
            assert.equal(compacted, (held ?? NaN) + 2);
            const run = await startNew();
            const { step, code, message } = await waitingOf(run);
            assert.deepEqual([step, code], ['consume', 'TABLE_REWRITTEN']);
            assert.match(
              message,
              new RegExp(
                `/deliveries: version ${compacted} \\(OPTIMIZE\\), .* version ${compacted - 1} has them once$`,
              ),
            );
            await ask('restore', 'deliveries', { version: compacted - 1 });
            assert.deepEqual(await offsetsOf('deliveries'), before);
            await run.executeUpdate('retry');
            assert.equal((await run.result()).rows['attempts'], ROWS);
          });

        test('by a VACUUM of all that no version names, between the upload of files and their commit: a run lands', async () => {
          const before = await offsetsOf('deliveries');
          const commitOf = (table: string): RegExp => new RegExp(`/${table}/_scratch/.*op=SETTIMES`);
          hdfs.clear();
          // The program answers one question at a time.
          let vacuumed: Promise<void> = Promise.resolve();
          for (const table of ['attempts', 'deliveries'])
            hdfs.nameNode.plan(commitOf(table), {
              kind: 'before',
              run: () => (vacuumed = vacuumed.then(() => ask('vacuum', table))),
            });
          await requireLands();
          await vacuumed;
          assert.equal(hdfs.nameNode.unused, 0);
          for (const table of ['attempts', 'deliveries'])
            assert.equal((await offsetsOf(table)).length, before.length + ROWS);
          const verified = await pipeline.command('verify');
          assert.equal(verified.code, 0, verified.stdout + verified.stderr);
        });

        /** Lands files of `deliveries` to compact, and returns the offsets of its rows. */
        async function growDeliveries(): Promise<string[]> {
          await requireLands();
          await requireLands();
          return offsetsOf('deliveries');
        }

        async function compactDeliveries(): Promise<void> {
          const { code, stderr } = await pipeline.command('maintain', 'deliveries', '--follow');
          assert.equal(code, 0, stderr);
        }

        /** Returns the offsets of a table's rows, sorted, as the program reads them. */
        async function offsetsOf(table: string): Promise<string[]> {
          const url = `${DEFAULT_FS}${pipeline.warehouse.path}/${table}`;
          const asked = { url, source: 'customer', columns: ['kafka_partition', 'kafka_offset'] };
          const rows = await programs[name]?.ask(z.array(z.array(z.unknown())), 'values', asked);
          assert.ok(rows !== undefined && rows.length > 0);
          return rows.map((row) => row.join('/')).sort();
        }
      });

    test('passes verify in the end', async () => {
      const { code, stdout } = await pipeline.command('verify');
      assert.equal(code, 0, stdout);
    });
  },
);
