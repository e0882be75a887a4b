/** Data files between their upload and the commit that adds them. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, beforeEach, describe } from 'node:test';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { createLogger } from '../../adapters/log.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { listDataFiles } from '../../steps/upkeep/vacuum.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { codeOf } from '../support/harness.ts';
import { TestTables, commit } from '../support/delta-tables.ts';
import { pendingFile } from '../support/pending-file.ts';

const LOGGER = createLogger('test', 'fatal');
const SCRATCH = 'run';
const NOW_MS = Date.parse('2026-01-31T12:00:00.000Z');

let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('delta-files');
});

beforeEach(() => {
  faulty.clear();
});

after(() => faulty.stop());

function newTable(hdfs: WebHdfs = faulty.direct): DeltaTable {
  return new DeltaTable(faulty.fresh(), {
    hdfs,
    logger: LOGGER,
    checkpointInterval: 5,
    nowMs: () => NOW_MS,
  });
}

async function upload(table: DeltaTable, content: string): Promise<PendingFile> {
  const local = join(faulty.local, 'file.parquet');
  await writeFile(local, content);
  const file = { local, folder: 'source=s', nameOf: () => 'a.parquet', partitionValues: { source: 's' } };
  return table.pending.upload(file, SCRATCH);
}

function contentOf(table: DeltaTable, path: string): Promise<string> {
  return faulty.direct.read(`${table.path}/${path}`).then(String);
}

describe('an upload', () => {
  test('that HDFS confirmed but did not store is an error', async () => {
    const table = newTable(faulty.client());
    faulty.dataNode.plan(/op=CREATE/, { kind: 'answer', status: 201 });
    assert.match(
      await codeOf(upload(table, 'x'.repeat(10_000))),
      /^HDFS_DAMAGED: .* is missing after an upload of 10000 bytes/,
    );
    assert.equal((await upload(table, 'x'.repeat(10_000))).add.size, 10_000);
  });

  test('that HDFS stores with other bytes of the same length is an error', async () => {
    const table = newTable(faulty.patient());
    const storing = codeOf(faulty.replacedMeanwhile(() => upload(table, 'x'.repeat(10_000))));
    assert.match(await storing, /^HDFS_DAMAGED: /);
  });

  test('is no file of the table, which a VACUUM could delete, until it is committed', async () => {
    const table = newTable();
    const file = await upload(table, 'one');
    assert.deepEqual(await listDataFiles(faulty.direct, table.path), []);
    const [add] = await table.pending.place([file]);
    const [found, ...more] = await listDataFiles(faulty.direct, table.path);
    assert.deepEqual(more, []);
    assert.equal(found?.path, `${table.path}/source=s/a.parquet`);
    // A VACUUM takes a file for new by this time, however long ago it was uploaded.
    assert.equal(found.modifiedAtMs, NOW_MS);
    assert.equal(add?.modificationTime, NOW_MS);
  });

  test('leaves nothing in the scratch folder after its run', async () => {
    const table = newTable();
    await table.pending.place([await upload(table, 'one')]);
    await codeOf(table.pending.place([await upload(table, 'two')]));
    await table.deleteScratch(SCRATCH);
    assert.deepEqual(await faulty.direct.list(`${table.path}/_scratch`), []);
  });
});

describe('an uploaded file', () => {
  test('that an earlier attempt moved is kept; other bytes at its path are an error', async () => {
    const table = newTable();
    const first = await upload(table, 'one');
    const moved = await table.pending.place([first]);
    for (const again of [first, structuredClone(first), await upload(table, 'one')])
      assert.deepEqual(await table.pending.place([again]), moved);
    assert.match(
      await codeOf(table.pending.place([await upload(table, 'two')])),
      /^HDFS_DAMAGED: .*a\.parquet/,
    );
    assert.equal(await contentOf(table, 'source=s/a.parquet'), 'one');
  });

  test('that an earlier attempt moved, and that is deleted during the comparison, can be uploaded again', async () => {
    const table = newTable(faulty.client());
    await table.pending.place([await upload(table, 'one')]);
    const again = await upload(table, 'one');
    const run = async (): Promise<void> => {
      await faulty.direct.delete(`${table.path}/source=s/a.parquet`);
    };
    faulty.nameNode.plan(/source%3Ds\/a\.parquet\?op=OPEN/, { kind: 'before', run });
    assert.match(await codeOf(table.pending.place([again])), /^HDFS_DAMAGED: .*a\.parquet is missing/);
    assert.equal(faulty.nameNode.unused, 0);
    await table.pending.place([again]);
    assert.equal(await contentOf(table, 'source=s/a.parquet'), 'one');
  });

  test('is moved although the answer to its rename is lost', async () => {
    const table = newTable(faulty.client());
    const file = await upload(table, 'lost');
    faulty.nameNode.plan(/op=RENAME/, { kind: 'swallow-answer' });
    const [add] = await table.pending.place([file]);
    assert.equal(faulty.nameNode.unused, 0);
    assert.equal(await contentOf(table, add?.path ?? ''), 'lost');
  });

  test('whose folder was deleted since is moved by the next attempt', async () => {
    const table = newTable();
    await table.pending.place([await upload(table, 'one')]);
    const again = await upload(table, 'one');
    await faulty.direct.delete(`${table.path}/source=s`, { recursive: true });
    assert.match(await codeOf(table.pending.place([again])), /^HDFS_DAMAGED: /);
    await table.pending.place([again]);
    assert.equal(await contentOf(table, 'source=s/a.parquet'), 'one');
  });

  test('that someone deleted fails its commit, which adds nothing', async () => {
    const tables = new TestTables(faulty);
    const table = await tables.create();
    const file = await pendingFile(table.path, 'gone');
    await faulty.direct.delete(`${table.path}/${file.temporary}`);
    const fences = [{ appId: 't/0', from: undefined, to: 4n }];
    assert.match(
      await codeOf(table.commit({ fences, files: [file], info: {}, scratch: SCRATCH })),
      /^HDFS_DAMAGED: .*gone is missing/,
    );
    assert.deepEqual(await tables.filesOf(table), []);
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
  });
});
