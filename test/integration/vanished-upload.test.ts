/** Files that another program's VACUUM deletes between their upload and their commit. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { after, before, describe } from 'node:test';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { FileStatus } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { commitFiles } from '../../steps/landing/commit-files.ts';
import { attempts } from '../../tables/index.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';

const RUN = { execution: { workflowId: 'run', runId: '00000000-0000-0000-0000-0123456789ab' } };

describe('an uploaded file that is deleted before its commit', () => {
  let faulty: FaultyHdfs;

  before(async () => {
    faulty = await FaultyHdfs.start('vanished-upload');
  });

  after(() => faulty.stop());

  test('is uploaded again, so that the table names no missing file', async () => {
    const hdfs = faulty.direct;
    const logger = createLogger('test', 'fatal');
    const warehouse = new Warehouse(faulty.fresh(), { hdfs, logger, checkpointInterval: 20 });
    await writeFile(join(faulty.local, 'rows.parquet'), 'rows');
    const folder = `${warehouse.path}/attempts/source=s`;
    const own = { locate: (path: string) => Promise.resolve(join(faulty.local, path)) };
    const landing = {
      table: attempts,
      files: () =>
        Promise.resolve([
          {
            table: 'attempts',
            partition: { source: 's' },
            path: 'rows.parquet',
            rows: 1,
            bytes: 4,
            stats: '{}',
          },
        ]),
      subject: 'batch',
      fences: [{ appId: 't/0', from: undefined, to: 1n }],
      info: {},
    };
    const vacuum = async (): Promise<void> => {
      let files: FileStatus[] = [];
      while (files.length === 0) {
        await sleep(20);
        if ((await hdfs.status(folder)) !== undefined) files = await hdfs.list(folder);
      }
      for (const { path } of files) await hdfs.delete(path);
    };
    const { outcome } = await commitFiles({ warehouse, own }, RUN, landing, vacuum());
    assert.equal(outcome, 'committed');
    const snapshot = await warehouse.table('attempts').snapshot();
    const [file] = [...(snapshot?.files.values() ?? [])];
    assert.ok(file);
    assert.equal((await hdfs.read(`${warehouse.path}/attempts/${file.path}`)).toString(), 'rows');
  });
});
