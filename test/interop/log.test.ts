import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { z } from 'zod';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import type { IngestResult } from '../../model/run.ts';
import { attempts } from '../support/attempt-contract.ts';
import { deltaMetadata } from '../../tables/table.ts';
import { forgetColumn } from '../support/earlier-program.ts';
import { TestPipeline } from '../support/harness.ts';
import { Feed } from './feed.ts';
import { installReaders, interopSkipReason } from './install.ts';
import {
  copyTable,
  forgetBefore,
  forgetCheckpoints,
  forgetPointer,
  lastCheckpoint,
  withoutChanges,
} from '../support/log-copies.ts';
import { DEFAULT_FS, PythonReader } from './program.ts';

const Table = z.object({ partitions: z.array(z.tuple([z.string(), z.string(), z.int()])) });
const Bounds = z.record(
  z.string(),
  z.array(z.strictObject({ rows: z.int(), files: z.int(), rowsOfAllFiles: z.int() })),
);

/** A table with rows, one without any, and the one that is committed last. */
const READ = ['attempts', 'quarantine', 'deliveries'];

/** Attempts of the second run: more than fit into a batch. */
const MORE = 600;

describe('a log with checkpoints, and with commits of other programs', { skip: interopSkipReason() }, () => {
  /** Clean-up actions, run in reverse order even if the set-up failed. */
  const opened: (() => Promise<void>)[] = [];
  let feed: Feed;
  let pipeline: TestPipeline;
  let hdfs: WebHdfs;
  let spark: PythonReader;
  let deltaRs: PythonReader;
  let landed: IngestResult;

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'interop-feed-'));
    opened.push(() => rm(folder, { recursive: true }));
    const readers = await installReaders();
    feed = new Feed(folder, 'customer');
    await feed.deliverMany();
    const limits = { checkpointInterval: 2, batchMessages: 500 };
    pipeline = await TestPipeline.create({ customer: feed.source }, { limits });
    opened.push(() => pipeline.close());
    ({ hdfs } = pipeline.warehouse.options);
    await pipeline.startWorker();
    landed = await ingest();
    for (const name of READ) await begunAtCheckpoint(name, 'begun');
    spark = await PythonReader.start(readers, 'spark_reader.py');
    opened.push(() => spark.close());
    deltaRs = await PythonReader.start(readers, 'deltars_reader.py');
    opened.push(() => deltaRs.close());
  });

  after(async () => {
    for (const close of opened.reverse()) await close();
  });

  async function ingest(): Promise<IngestResult> {
    return (await pipeline.start({ source: 'customer' })).result();
  }

  const pathOf = (table: string): string => `${pipeline.warehouse.path}/${table}`;
  const copyOf = (table: string, name: string): string =>
    `${pipeline.warehouse.path}/copies/${table}-${name}`;

  /** A table as its log says it is, to one who has not read it before. */
  async function freshSnapshot(path: string): Promise<Snapshot> {
    const snapshot = await new DeltaTable(path, pipeline.warehouse.options).snapshot();
    return snapshot ?? assert.fail(`there is no table ${path}`);
  }

  /** Its rows, as Spark, delta-rs and our own reader count them. */
  async function rowsOf(path: string): Promise<Record<string, number>> {
    const asked = { url: `${DEFAULT_FS}${path}` };
    return {
      spark: sumOf(await spark.ask(Table, 'table', asked)),
      deltaRs: sumOf(await deltaRs.ask(Table, 'table', asked)),
      ours: recordsIn(await freshSnapshot(path)),
    };
  }

  function each(rows: number): Record<string, number> {
    return { spark: rows, deltaRs: rows, ours: rows };
  }

  /** Copies a table and has the copy's log begin with its newest checkpoint; gives the copy's path. */
  async function begunAtCheckpoint(table: string, name: string): Promise<string> {
    const copy = copyOf(table, name);
    await copyTable(hdfs, pathOf(table), copy);
    await forgetBefore(hdfs, copy, await lastCheckpoint(hdfs, copy));
    return copy;
  }

  test('all readers read a table whose log has checkpoints', async () => {
    assert.ok((await lastCheckpoint(hdfs, pathOf('attempts'))) >= 2);
    assert.deepEqual(await rowsOf(pathOf('attempts')), each(landed.rows['attempts'] ?? -1));
  });

  test('all readers read tables whose entries before the checkpoint are gone', async () => {
    for (const name of READ) {
      assert.deepEqual(await rowsOf(copyOf(name, 'begun')), each(landed.rows[name] ?? -1), name);
    }
  });

  test('a checkpoint is equivalent to the entries before it', async () => {
    for (const name of READ) {
      const entries = copyOf(name, 'entries');
      await copyTable(hdfs, pathOf(name), entries);
      await forgetCheckpoints(hdfs, entries);
      const [fromEntries, fromCheckpoint] = [
        await freshSnapshot(entries),
        await freshSnapshot(copyOf(name, 'begun')),
      ];
      assert.deepEqual(withoutChanges(fromCheckpoint), withoutChanges(fromEntries), name);
    }
  });

  test('delta-rs finds in a checkpoint the offsets that the run landed', async () => {
    const apps = landed.offsets.map(({ partition }) => `${landed.topic}/${partition}`);
    for (const name of READ) {
      const asked = { url: `${DEFAULT_FS}${copyOf(name, 'begun')}`, apps };
      const found = await deltaRs.ask(z.array(z.int()), 'transactions', asked);
      assert.deepEqual(
        found,
        landed.offsets.map(({ end }) => Number(end)),
        name,
      );
    }
  });

  test('the newest checkpoint is found even without _last_checkpoint', async () => {
    const copy = await begunAtCheckpoint('attempts', 'unpointed');
    await forgetPointer(hdfs, copy);
    assert.equal(recordsIn(await freshSnapshot(copy)), landed.rows['attempts']);
  });

  test('a log that lost its first entries is rejected, and not taken for that of a new table', async () => {
    const copy = await begunAtCheckpoint('attempts', 'lost');
    await forgetCheckpoints(hdfs, copy);
    await assert.rejects(freshSnapshot(copy), { code: 'TABLE_LOG_INVALID' });
  });

  test('statistics in the log let Spark and delta-rs skip files without losing a row', async () => {
    const url = `${DEFAULT_FS}${pathOf('attempts')}`;
    const { files } = await freshSnapshot(pathOf('attempts'));
    const columns = ['keen_timestamp', 'kafka_offset'];
    const found = {
      spark: await spark.ask(Bounds, 'bounds', { url, columns }),
      deltaRs: await deltaRs.ask(Bounds, 'bounds', { url, columns }),
    };
    for (const [reader, bounds] of Object.entries(found)) {
      for (const column of columns) {
        const ends = bounds[column] ?? [];
        assert.equal(ends.length, 2, `${reader}: ${column}`);
        for (const { rows, rowsOfAllFiles } of ends)
          assert.equal(rows, rowsOfAllFiles, `${reader}: ${column}`);
      }
      const [first] = bounds['keen_timestamp'] ?? [];
      assert.ok(
        (first?.files ?? Infinity) < files.size,
        `${reader} read all ${files.size} files for one time`,
      );
    }
  });

  test('Spark and delta-rs read null in files that lack an added column, and its values in later ones', async () => {
    const copy = copyOf('attempts', 'grown');
    await copyTable(hdfs, pathOf('attempts'), copy);
    await forgetCheckpoints(hdfs, copy);
    const [original] = [...(await freshSnapshot(copy)).files.values()];
    assert.ok(original);
    const whole = await hdfs.read(`${copy}/${original.path}`);
    await forgetColumn(hdfs, copy, 'exam_name');
    const before = await freshSnapshot(copy);
    const path = original.path.replace('.parquet', '-later.parquet');
    const temporary = '_scratch/test/later';
    await hdfs.create(`${copy}/${temporary}`, whole);
    const table = new DeltaTable(copy, pipeline.warehouse.options);
    await table.createIfMissing(deltaMetadata(attempts), 'test');
    const fences = [{ appId: 'test', from: undefined, to: 1n }];
    const files = [{ add: { ...original, path }, temporary }];
    await table.commit({ fences, files, info: {}, scratch: 'test' });
    const grown = await freshSnapshot(copy);
    assert.equal(grown.version, before.version + 2);
    const rows = recordsIn(before);
    const later = recordsIn(grown) - rows;
    const asked = { url: `${DEFAULT_FS}${copy}`, source: 'customer', columns: ['exam_name'] };
    for (const [name, reader] of Object.entries({ spark, deltaRs })) {
      const values = (await reader.ask(z.array(z.array(z.unknown())), 'values', asked)).flat();
      assert.deepEqual(
        [values.length, values.filter((value) => value !== null).length],
        [rows + later, later],
        name,
      );
    }
  });

  test('a checkpoint that Spark wrote is read here', async () => {
    const copy = copyOf('attempts', 'spark');
    await copyTable(hdfs, pathOf('attempts'), copy);
    const before = await freshSnapshot(copy);
    await spark.ask(z.null(), 'checkpoint_always', { url: `${DEFAULT_FS}${copy}` });
    await spark.ask(z.null(), 'optimize', { url: `${DEFAULT_FS}${copy}` });
    assert.equal(await lastCheckpoint(hdfs, copy), before.version + 2);
    await forgetBefore(hdfs, copy, before.version + 2);
    const found = await freshSnapshot(copy);
    assert.deepEqual(found.txns, before.txns);
    assert.equal(recordsIn(found), recordsIn(before));
    assert.ok(found.files.size < before.files.size);
  });

  test('a checkpoint that delta-rs wrote is read here', async () => {
    const copy = copyOf('attempts', 'delta-rs');
    await copyTable(hdfs, pathOf('attempts'), copy);
    const { version, txns, files } = await freshSnapshot(copy);
    await deltaRs.ask(z.null(), 'checkpoint', { url: `${DEFAULT_FS}${copy}` });
    assert.equal(await lastCheckpoint(hdfs, copy), version);
    await forgetBefore(hdfs, copy, version);
    const found = await freshSnapshot(copy);
    assert.deepEqual(
      { txns: found.txns, files: [...found.files.keys()].sort() },
      { txns, files: [...files.keys()].sort() },
    );
  });

  describe('after Spark rewrote the files of a table', () => {
    let earlier: Snapshot;

    before(async () => {
      earlier =
        (await pipeline.warehouse.table('attempts').snapshot()) ?? assert.fail('there are no attempts');
      await spark.ask(z.null(), 'optimize', { url: `${DEFAULT_FS}${pathOf('attempts')}` });
    });

    test('our own reader has the same rows and offsets in the rewritten files', async () => {
      const later = await pipeline.warehouse.table('attempts').snapshot();
      assert.deepEqual(later, await freshSnapshot(pathOf('attempts')));
      assert.ok(later);
      assert.equal(later.version, earlier.version + 1);
      assert.deepEqual(later.txns, earlier.txns);
      assert.deepEqual(later.metadata, earlier.metadata);
      assert.ok(later.files.size < earlier.files.size);
      for (const path of later.files.keys()) assert.ok(!earlier.files.has(path), path);
      assert.deepEqual(await rowsOf(pathOf('attempts')), each(recordsIn(earlier)));
    });

    test('the command line queries the rewritten files', async () => {
      const sql =
        'SELECT count(*) AS n, count(DISTINCT (kafka_partition, kafka_offset)) AS offsets FROM attempts';
      const { code, stdout, stderr } = await pipeline.command('query', '--json', sql);
      assert.equal(code, 0, stderr);
      const rows = recordsIn(earlier);
      assert.deepEqual(JSON.parse(stdout), [{ n: rows, offsets: rows }]);
    });

    test('the next run continues at the table’s position, and all readers read its rows', async () => {
      await feed.deliver(10_000, MORE);
      assert.equal((await ingest()).rows['attempts'], MORE);
      const all = each(recordsIn(earlier) + MORE);
      assert.deepEqual(await rowsOf(pathOf('attempts')), all);
      assert.ok((await lastCheckpoint(hdfs, pathOf('attempts'))) > earlier.version + 1);
      assert.deepEqual(await rowsOf(await begunAtCheckpoint('attempts', 'rewritten')), all);
    });

    test('our checkpoint still names the files that Spark replaced, so that they can be cleaned up', async () => {
      const asked = { url: `${DEFAULT_FS}${copyOf('attempts', 'rewritten')}` };
      const found = await deltaRs.ask(z.array(z.string()), 'replaced', asked);
      assert.deepEqual(found.sort(), [...earlier.files.keys()].sort());
    });
  });
});

/** The rows of a table's files, as their statistics count them. */
function recordsIn({ files }: Snapshot): number {
  const stats = z.object({ numRecords: z.int() });
  return [...files.values()].reduce(
    (sum, add) => sum + stats.parse(JSON.parse(add.stats ?? '{}')).numRecords,
    0,
  );
}

function sumOf({ partitions }: z.infer<typeof Table>): number {
  return partitions.reduce((sum, [, , rows]) => sum + rows, 0);
}
