/**
 * A rebuild whose process is killed after any request of its commit, or that loses the response to any of them; and one
 * that is beside other commits. The rows are the earlier or the rebuilt ones, never a mixture.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { compactNext } from '../../steps/upkeep/compact.ts';
import { listTemporaryFolders } from '../../steps/upkeep/vacuum.ts';
import { deliveries } from '../../tables/index.ts';
import { questions } from '../support/attempt-contract.ts';
import type { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { failEverywhere } from '../support/fail-everywhere.ts';
import { codeOf } from '../support/harness.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';
import { ATTEMPTS_SENT, LANDED, REBUILT_ROWS, RebuildTables, WRONG_ROWS } from './rebuild-tables.ts';

describe('a rebuild that fails, or is beside other commits', () => {
  let tables: RebuildTables;
  let faulty: FaultyHdfs;
  let base: string;

  before(async () => {
    tables = await RebuildTables.start('rebuild');
    ({ faulty } = tables);
    base = await tables.make();
  });

  after(() => faulty.stop());

  test('its commit replaces all rows at once, and once, while a landing is beside it', async () => {
    const path = await tables.copyOf(base);
    const plan = await tables.transformAt(path);
    await tables.landQuestion(path, LANDED, 'landed');
    const landed = `${LANDED} landed`;
    const requests = await failEverywhere(faulty, path, {
      run: (copy, hdfs) => tables.runAt(copy).commit(plan, hdfs),
      check: async (copy, when) => {
        const rows = await tables.rowsIn(copy);
        assert.ok(rows.includes(landed), when);
        const others = rows.filter((row) => row !== landed);
        const expected = (await tables.countEntries(copy, 'REBUILD')) === 0 ? WRONG_ROWS : REBUILT_ROWS;
        assert.deepEqual(others, expected, when);
      },
      checkEnd: async (copy) => {
        assert.equal(await tables.countEntries(copy, 'REBUILD'), 1);
        const head = await tables.warehouseAt(copy).open(questions.name).head();
        assert.equal(head?.txns.get('t/0'), BigInt(LANDED + 1));
      },
    });
    assert.ok(requests > 10, `${requests} requests`);
  });

  test('rows in memory are bounded: a part becomes several files', async () => {
    const path = await tables.copyOf(base);
    const plan = await tables.transformAt(path, undefined, 1);
    assert.equal((await tables.runAt(path).commit(plan)).outcome, 'committed');
    assert.equal((await tables.warehouseAt(path).open(questions.name).snapshot())?.files.size, LANDED);
    assert.deepEqual(await tables.rowsIn(path), REBUILT_ROWS);
  });

  test('a compaction beside it moves rows that it replaces, and is followed', async () => {
    const path = await tables.copyOf(base);
    const plan = await tables.transformAt(path);
    const { deps, run } = tables.runAt(path, 'ffffffff-0000-0000-0000-00000000000b');
    const limits = { targetBytes: 2 ** 27, openPartitionFiles: 2, logRetentionMs: 1, fileRetentionMs: 1 };
    const upkeep = {
      ...deps(),
      limits,
      openRunIds: () => Promise.resolve(new Set<string>()),
    };
    assert.equal((await compactNext(upkeep, run, questions)).files, LANDED);
    assert.deepEqual(await tables.runAt(path).commit(plan), {
      outcome: 'committed',
      version: LANDED + 2,
      replacedFiles: 1,
    });
    assert.deepEqual(await tables.rowsIn(path), REBUILT_ROWS);
  });

  test('another rebuild, or another program, that changed the table meanwhile makes it begin again', async () => {
    const other = 'ffffffff-0000-0000-0000-00000000000b';
    for (const change of [
      async (path: string) => tables.runAt(path, other).commit(await tables.transformAt(path, other)),
      (path: string) => new OtherProgram(faulty.direct, `${path}/${questions.name}`).restore(2),
    ]) {
      const path = await tables.copyOf(base);
      const plan = await tables.transformAt(path);
      await change(path);
      const before = await tables.rowsIn(path);
      assert.equal((await tables.runAt(path).commit(plan)).outcome, 'stale');
      assert.deepEqual(await tables.rowsIn(path), before);
      assert.equal((await tables.runAt(path).commit(await tables.transformAt(path))).outcome, 'committed');
      assert.deepEqual(await tables.rowsIn(path), REBUILT_ROWS);
    }
  });

  test('a file that someone deleted before the commit is made again', async () => {
    const path = await tables.copyOf(base);
    const plan = await tables.transformAt(path);
    for (const { files } of await listTemporaryFolders(faulty.direct, `${path}/${questions.name}`))
      for (const file of files) if (file.name.endsWith('.parquet')) await faulty.direct.delete(file.path);
    const run = tables.runAt(path);
    assert.deepEqual(await run.commit(plan), { outcome: 'incomplete', parts: [0] });
    assert.equal((await run.part(plan)).outcome, 'done');
    assert.equal((await run.commit(plan)).outcome, 'committed');
    assert.deepEqual(await tables.rowsIn(path), REBUILT_ROWS);
  });

  test('a table whose partitions another program changed gets those of the program', async () => {
    const path = await tables.copyOf(base);
    const program = new OtherProgram(faulty.direct, `${path}/${questions.name}`);
    await program.partition(['source']);
    const plan = await tables.transformAt(path);
    assert.equal((await tables.runAt(path).commit(plan)).outcome, 'committed');
    const snapshot = await tables.warehouseAt(path).open(questions.name).snapshot();
    assert.deepEqual(snapshot?.metadata.partitionColumns, ['source', 'ingested_on']);
    assert.deepEqual(await tables.rowsIn(path), REBUILT_ROWS);
  });

  test('messages that cannot become rows any more are named, and the table stays as it is', async () => {
    const path = await tables.make([
      JSON.stringify(ATTEMPTS_SENT[0]),
      '{"keen": 1}',
      JSON.stringify(ATTEMPTS_SENT[2]),
    ]);
    const plan = await tables.transformAt(path);
    assert.match(
      await codeOf(tables.runAt(path).commit(plan)),
      /^REBUILD_REFUSED: questions is not rebuilt: 1 message of deliveries .*: t\/0\/1: /,
    );
    assert.deepEqual(await tables.rowsIn(path), WRONG_ROWS);
  });

  test('it waits for deliveries, and does not begin where rows of deliveries are missing', async () => {
    const path = await tables.copyOf(base);
    await tables.landQuestion(path, LANDED, 'landed');
    assert.match(
      await codeOf(tables.runAt(path).plan()),
      /^DELIVERIES_BEHIND: questions holds t\/0 up to 4, but deliveries only up to 3/,
    );
    await new OtherProgram(faulty.direct, `${path}/${deliveries.name}`).restore(2);
    assert.match(await codeOf(tables.runAt(path).plan()), /^TABLE_REWRITTEN: \S+\/deliveries: version 4 /);
  });
});
