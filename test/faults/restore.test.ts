/**
 * A restore whose process is killed after any of its requests to HDFS, or that loses the response to any of them. The
 * rows and the positions are those before, or those of the version, and `restore` can be repeated.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { Restoring } from '../../client/tables/restoring.ts';
import { isUnchanged } from '../../client/tables/restore-table.ts';
import { deliveries } from '../../tables/index.ts';
import { questions } from '../support/attempt-contract.ts';
import { failEverywhere } from '../support/fail-everywhere.ts';
import { LANDED, RebuildTables, WRONG_ROWS } from './rebuild-tables.ts';

/** The version to restore, which has as many messages. */
const VERSION = 2;

describe('a restore that fails at any of its requests', () => {
  let tables: RebuildTables;

  before(async () => {
    tables = await RebuildTables.start('restore');
  });

  after(() => tables.faulty.stop());

  async function restore(path: string, hdfs: WebHdfs): Promise<void> {
    const kafka = { brokers: [], logger: createLogger('test', 'fatal') };
    const warehouse = tables.warehouseAt(path, hdfs);
    const restoring = await Restoring.open(kafka, warehouse, questions, { version: VERSION });
    if (!isUnchanged(restoring.plan)) await restoring.commit();
  }

  test('sets files and positions back in one commit, once', async () => {
    const base = await tables.make();
    await tables.faulty.direct.delete(`${base}/${deliveries.name}`, { recursive: true });
    const requests = await failEverywhere(tables.faulty, base, {
      run: restore,
      check: async (path, when) => {
        const head = await tables.warehouseAt(path).open(questions.name).head();
        const isRestored = head?.version !== LANDED;
        assert.equal(head?.txns.get('t/0'), BigInt(isRestored ? VERSION : LANDED), when);
        assert.deepEqual(
          await tables.rowsIn(path),
          isRestored ? WRONG_ROWS.slice(0, VERSION) : WRONG_ROWS,
          when,
        );
      },
      checkEnd: async (path) => {
        assert.equal(await tables.countEntries(path, 'RESTORE'), 1);
        await tables.landQuestion(path, VERSION, 'again');
        const landed = [...WRONG_ROWS.slice(0, VERSION), `${VERSION} again`].sort();
        assert.deepEqual(await tables.rowsIn(path), landed);
      },
    });
    assert.ok(requests > 20, `${requests} requests`);
  });
});
