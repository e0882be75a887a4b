import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, beforeEach, describe } from 'node:test';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { createLogger } from '../../adapters/log.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { codeOf } from '../support/harness.ts';

const LOGGER = createLogger('test', 'fatal');
const SCRATCH = 'run';

let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('delta-files');
});

beforeEach(() => {
  faulty.clear();
});

after(() => faulty.stop());

function newTable(hdfs: WebHdfs = faulty.direct): DeltaTable {
  return new DeltaTable(faulty.fresh(), { hdfs, logger: LOGGER, checkpointInterval: 5 });
}

describe('a data file', () => {
  async function localFile(content: string): Promise<string> {
    const file = join(faulty.local, 'file.parquet');
    await writeFile(file, content);
    return file;
  }

  const nameOf = (sha256: string): string => `part/${sha256}.parquet`;

  test('that HDFS confirmed but did not store is never renamed to its final name', async () => {
    const table = newTable(faulty.client());
    const file = await localFile('x'.repeat(10_000));
    faulty.dataNode.plan(/op=CREATE/, { kind: 'answer', status: 201 });
    assert.match(
      await codeOf(table.upload(file, nameOf, SCRATCH)),
      /^HDFS_DAMAGED: .* is missing after an upload of 10000 bytes/,
    );
    assert.equal((await table.upload(file, nameOf, SCRATCH)).bytes, 10_000);
  });

  test('that HDFS stores with other bytes of the same length is never renamed to its final name', async () => {
    const table = newTable(faulty.patient());
    const file = await localFile('x'.repeat(10_000));
    const storing = codeOf(faulty.replacedMeanwhile(() => table.upload(file, nameOf, SCRATCH)));
    assert.match(await storing, /^HDFS_DAMAGED: /);
    assert.equal(await faulty.direct.status(`${table.path}/part`), undefined);
  });

  test('that an earlier attempt stored is kept; other bytes at its path are an error', async () => {
    const table = newTable();
    const first = await table.upload(await localFile('one'), () => 'part/a', SCRATCH);
    assert.deepEqual(await table.upload(await localFile('one'), () => 'part/a', SCRATCH), first);
    assert.match(
      await codeOf(table.upload(await localFile('two'), () => 'part/a', SCRATCH)),
      /^HDFS_DAMAGED: .*part\/a/,
    );
    assert.equal((await faulty.direct.read(`${table.path}/part/a`)).toString(), 'one');
  });

  test('that an earlier attempt stored, and that is deleted during the comparison, is uploaded again', async () => {
    const table = newTable(faulty.client());
    const file = await localFile('one');
    await table.upload(file, () => 'part/a', SCRATCH);
    const run = async (): Promise<void> => {
      await faulty.direct.delete(`${table.path}/part/a`);
    };
    faulty.nameNode.plan(/part\/a\?op=GETFILECHECKSUM/, { kind: 'before', run });
    assert.match(await codeOf(table.upload(file, () => 'part/a', SCRATCH)), /^HDFS_DAMAGED: .*part\/a/);
    await table.upload(file, () => 'part/a', SCRATCH);
    assert.equal((await faulty.direct.read(`${table.path}/part/a`)).toString(), 'one');
  });

  test('is stored although the response to its rename is lost', async () => {
    const table = newTable(faulty.client());
    faulty.nameNode.plan(/op=RENAME/, { kind: 'swallow-answer' });
    const stored = await table.upload(await localFile('lost'), nameOf, SCRATCH);
    assert.equal((await faulty.direct.read(`${table.path}/${stored.path}`)).toString(), 'lost');
  });

  test('leaves no file in the scratch folder after a sweep', async () => {
    const table = newTable();
    await table.upload(await localFile('one'), () => 'part/a', SCRATCH);
    await codeOf(table.upload(await localFile('two'), () => 'part/a', SCRATCH));
    await table.deleteScratch(SCRATCH);
    assert.deepEqual(await faulty.direct.list(`${table.path}/_scratch`), []);
  });
});
