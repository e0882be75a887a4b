import assert from 'node:assert/strict';
import test, { after, before, beforeEach, describe } from 'node:test';
import { commit, entryOf, TestTables } from '../support/delta-tables.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { codeOf } from '../support/harness.ts';

let faulty: FaultyHdfs;
let tables: TestTables;

before(async () => {
  faulty = await FaultyHdfs.start('delta-faults');
  tables = new TestTables(faulty);
});

beforeEach(() => {
  faulty.clear();
});

after(() => faulty.stop());

describe('when HDFS fails in the middle of a commit', () => {
  test('and the response to the rename is lost: the entry exists once, and the commit succeeds', async () => {
    const table = await tables.create(faulty.client());
    faulty.nameNode.plan(/op=RENAME\S*_delta_log/, { kind: 'swallow-answer' });
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
    assert.deepEqual(await commit(tables.open(table.path), 0, 4), { outcome: 'landed-before', version: 1 });
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
  });

  test('and the rename is never carried out: it is retried, and the entry exists once', async () => {
    const table = await tables.create(faulty.client());
    faulty.nameNode.plan(/op=RENAME\S*_delta_log/, { kind: 'reset' });
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
  });

  test('and the rename responds false: it is a failure, and is retried', async () => {
    const table = await tables.create(faulty.client());
    faulty.nameNode.plan(/op=RENAME\S*_delta_log/, {
      kind: 'answer',
      status: 200,
      body: '{"boolean":false}',
    });
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
    assert.equal(faulty.nameNode.seen.filter((line) => /op=RENAME\S*_delta_log/.test(line)).length, 2);
  });

  test('and the entry is cut in transit: nothing is committed, and a retry commits it', async () => {
    const table = await tables.create(faulty.client());
    faulty.dataNode.plan(/op=CREATE/, { kind: 'cut-request', afterBytes: 20 });
    assert.match(await codeOf(commit(table, 0, 4)), /^HDFS_/);
    assert.deepEqual(await tables.filesOf(table), []);
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
  });

  test('and the entry is replaced in transit by bytes of the same length: nothing is committed', async () => {
    const table = await tables.create(faulty.patient());
    const committing = codeOf(faulty.replacedMeanwhile(() => commit(table, 0, 4)));
    assert.match(await committing, /^HDFS_DAMAGED: .*_scratch/);
    assert.deepEqual(await tables.filesOf(table), []);
  });

  test('and an entry is corrupt: nothing is written after it, and the error names it', async () => {
    const table = await tables.create();
    const entry = entryOf(table, 1);
    await faulty.direct.create(entry, Buffer.from('{"add":{"path":'));
    assert.match(await codeOf(commit(table, 0, 4)), new RegExp(`^TABLE_LOG_INVALID: ${entry}, line 1,`));
  });
});
