import assert from 'node:assert/strict';
import test, { after, before, beforeEach, describe } from 'node:test';
import { addMissingColumns } from '../../adapters/delta/columns.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { attempts } from '../support/attempt-contract.ts';
import { deltaMetadata, type Column, type DeltaMetadata } from '../../tables/table.ts';
import { commit, entryOf, fence, SCRATCH, TestTables } from '../support/delta-tables.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { codeOf } from '../support/harness.ts';

let faulty: FaultyHdfs;
let tables: TestTables;

before(async () => {
  faulty = await FaultyHdfs.start('delta');
  tables = new TestTables(faulty);
});

beforeEach(() => {
  faulty.clear();
});

after(() => faulty.stop());

function checkpointOf({ path }: DeltaTable, version: number): string {
  return `${path}/_delta_log/${String(version).padStart(20, '0')}.checkpoint.parquet`;
}

describe('a commit', () => {
  test('is appended once; a repetition by any writer commits nothing', async () => {
    const table = await tables.create();
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'committed', version: 1 });
    assert.deepEqual(await commit(table, 0, 4), { outcome: 'landed-before', version: 1 });
    assert.deepEqual(await commit(tables.open(table.path), 0, 4, 'other'), {
      outcome: 'landed-before',
      version: 1,
    });
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
  });

  test('that leaves a gap or an overlap is refused without writing anything', async () => {
    const table = await tables.create();
    await commit(table, 0, 4);
    assert.match(await codeOf(commit(table, 2, 6)), /^OFFSETS_MOVED: .* t\/0 is at version 4, .* an overlap/);
    assert.match(await codeOf(commit(table, 6, 8)), /^OFFSETS_MOVED: .* t\/0 is at version 4, .* a gap/);
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
  });

  test('by one of eight concurrent writers wins each version, and the versions are contiguous', async () => {
    const table = await tables.create();
    await Promise.all(
      Array.from({ length: 8 }, async (_, who) => {
        const own = tables.open(table.path);
        for (let from = 0; from < 12; from += 1) await commit(own, from, from + 1, `${from} by ${who}`);
      }),
    );
    const snapshot = await tables.open(table.path).snapshot();
    assert.equal(snapshot?.version, 12);
    assert.equal(snapshot.txns.get('t/0'), 12n);
    assert.deepEqual(
      [...snapshot.files.keys()].map((path) => Number(path.split(' ')[0])).sort((a, b) => a - b),
      [...Array(12).keys()],
    );
  });

  test('by eight concurrent writers that create the table ends in one table', async () => {
    const path = faulty.fresh();
    await Promise.all(
      Array.from({ length: 8 }, () => tables.open(path).createIfMissing(deltaMetadata(attempts), SCRATCH)),
    );
    assert.equal((await tables.open(path).snapshot())?.version, 0);
  });

  test('of fewer columns than the table has succeeds; of a column with another type it is refused', async () => {
    const table = await tables.create();
    await tables.open(table.path).createIfMissing(shaped(attempts.columns.slice(1)), SCRATCH);
    const turned = attempts.columns.map((column) =>
      column.name === 'total' ? { ...column, type: 'long' as const } : column,
    );
    assert.match(
      await codeOf(tables.open(table.path).createIfMissing(shaped(turned), SCRATCH)),
      /^TABLE_OTHER_COLUMNS: .* it has the column total as "integer", not as "long"$/,
    );
    assert.equal((await tables.open(table.path).snapshot())?.version, 0);
  });
});

/** The metadata of `attempts` with other columns. */
function shaped(columns: readonly Column[]): DeltaMetadata {
  return deltaMetadata({ ...attempts, columns });
}

describe('a writer with a cached log', () => {
  test('reads no entry while there is no other writer', async () => {
    const table = await tables.create(faulty.client());
    await commit(table, 0, 4);
    const before = faulty.nameNode.seen.length;
    await table.createIfMissing(deltaMetadata(attempts), SCRATCH);
    assert.equal(await table.findLanded(fence(4, 8)), undefined);
    await commit(table, 4, 8);
    const asked = faulty.nameNode.seen.slice(before);
    assert.deepEqual(
      asked.map((line) => /op=(\w+)/.exec(line)?.[1]),
      ['LISTSTATUS_BATCH', 'SETTIMES', 'RENAME', 'CREATE', 'OPEN', 'RENAME', 'GETFILESTATUS'],
    );
    assert.equal(asked.filter((line) => /_delta_log\S*op=OPEN/.test(line)).length, 0);
  });

  test('commits after the entries that another writer committed meanwhile', async () => {
    const table = await tables.create();
    await commit(table, 0, 4);
    await commit(tables.open(table.path), 4, 8);
    assert.equal(await table.findLanded(fence(8, 12)), undefined);
    assert.deepEqual(await commit(table, 8, 12), { outcome: 'committed', version: 3 });
  });

  test('detects that another writer has landed its commit meanwhile', async () => {
    const table = await tables.create();
    await commit(table, 0, 4);
    await commit(tables.open(table.path), 4, 8);
    assert.deepEqual(await commit(table, 4, 8), { outcome: 'landed-before', version: 2 });
    assert.match(await codeOf(commit(table, 6, 9)), /^OFFSETS_MOVED: .* t\/0 is at version 8, .* an overlap/);
    assert.deepEqual(await tables.filesOf(table), ['0-4', '4-8']);
  });

  test('commits nothing after another writer changed the partition columns', async () => {
    const table = await tables.create();
    await table.createIfMissing(deltaMetadata(attempts), SCRATCH);
    await commit(table, 0, 4);
    const metaData = { ...deltaMetadata(attempts), partitionColumns: ['source'] };
    await faulty.direct.create(entryOf(table, 2), Buffer.from(JSON.stringify({ metaData })));
    const says =
      /^TABLE_OTHER_COLUMNS: .* it is partitioned by \["source"\], not by \["source","ingested_on"\]$/;
    assert.match(await codeOf(commit(table, 4, 8)), says);
    assert.match(await codeOf(table.headForAppend(deltaMetadata(attempts))), says);
    assert.deepEqual(await tables.filesOf(table), ['0-4']);
  });

  test('adds a column again that another writer removed', async () => {
    const table = await tables.create();
    await table.createIfMissing(deltaMetadata(attempts), SCRATCH);
    await commit(table, 0, 4);
    const metaData = shaped(attempts.columns.slice(1));
    await faulty.direct.create(entryOf(table, 2), Buffer.from(JSON.stringify({ metaData })));
    assert.deepEqual(await commit(table, 4, 8), { outcome: 'committed', version: 4 });
    const { metadata } = (await tables.open(table.path).head()) ?? {};
    assert.ok(metadata);
    assert.equal(addMissingColumns(table.path, metadata, deltaMetadata(attempts)), undefined);
  });

  test('commits and reads nothing while its last entry is missing or replaced', async () => {
    const table = await tables.create();
    for (const from of [0, 4]) await commit(table, from, from + 4);
    const last = entryOf(table, 2);
    const bytes = await faulty.direct.read(last);
    const requireChanged = async (how: RegExp): Promise<void> => {
      for (const work of [() => commit(table, 8, 12), () => table.head(), () => table.snapshot()])
        assert.match(await codeOf(work()), how);
    };
    await faulty.direct.delete(last);
    await requireChanged(
      /^TABLE_LOG_CHANGED: .*_delta_log: version 2, .* is gone: the log now ends at version 1$/,
    );
    await commit(tables.open(table.path), 4, 8, 'other');
    await requireChanged(/^TABLE_LOG_CHANGED: .*_delta_log: version 2, .* was replaced by another entry$/);
    await faulty.direct.delete(table.path, { recursive: true });
    await requireChanged(/^TABLE_LOG_CHANGED: .* the log now ends at no version$/);
    await faulty.direct.create(last, bytes);
    assert.deepEqual(await commit(table, 8, 12), { outcome: 'committed', version: 3 });
  });

  test('continues from a checkpoint that replaced its cached entries', async () => {
    const table = await tables.create();
    await commit(table, 0, 1);
    const other = tables.open(table.path);
    for (let from = 1; from < 6; from += 1) await commit(other, from, from + 1);
    for (let version = 0; version <= 4; version += 1) await faulty.direct.delete(entryOf(table, version));
    assert.deepEqual(await commit(table, 6, 7), { outcome: 'committed', version: 7 });
    assert.equal((await table.snapshot())?.files.size, 7);
  });
});

describe('a log with a checkpoint', () => {
  test('reads the same as without it, also without the entries before it', async () => {
    const table = await tables.create();
    for (let from = 0; from < 12; from += 1) await commit(table, from, from + 1);
    const whole = await tables.open(table.path).snapshot();
    for (let version = 0; version < 10; version += 1) {
      assert(await faulty.direct.delete(entryOf(table, version)));
    }
    const shortened = await tables.open(table.path).snapshot();
    assert.equal(shortened?.version, 12);
    assert.deepEqual(shortened.txns, whole?.txns);
    assert.deepEqual([...shortened.files.keys()].sort(), [...(whole?.files.keys() ?? [])].sort());
    assert.deepEqual(await commit(tables.open(table.path), 12, 13), { outcome: 'committed', version: 13 });
  });

  test('is followed by one that names all files, also if its writer had read only the table’s head', async () => {
    const table = await tables.create();
    for (let from = 0; from < 6; from += 1) await commit(table, from, from + 1);
    const other = tables.open(table.path);
    assert.deepEqual([...((await other.head())?.txns ?? [])], [['t/0', 6n]]);
    for (let from = 6; from < 10; from += 1) await commit(other, from, from + 1);
    for (let version = 0; version < 10; version += 1) await faulty.direct.delete(entryOf(table, version));
    await faulty.direct.delete(checkpointOf(table, 5));
    const all = Array.from({ length: 10 }, (_, from) => `${from}-${from + 1}`);
    assert.deepEqual(await tables.filesOf(table), all);
  });

  test('is read from its entries if `_last_checkpoint` names a missing checkpoint', async () => {
    const table = await tables.create();
    for (let from = 0; from < 5; from += 1) await commit(table, from, from + 1);
    assert(await faulty.direct.delete(checkpointOf(table, 5)));
    assert.equal((await tables.open(table.path).snapshot())?.version, 5);
  });

  test('keeps the commit and is complete if the checkpoint cannot be written', async () => {
    const table = await tables.create(faulty.client());
    for (let from = 0; from < 4; from += 1) await commit(table, from, from + 1);
    faulty.nameNode.plan(/checkpoint.*op=RENAME|op=RENAME.*checkpoint/, {
      kind: 'answer',
      status: 403,
      body: '{"RemoteException":{"exception":"AccessControlException","message":"no"}}',
    });
    assert.deepEqual(await commit(table, 4, 5), { outcome: 'committed', version: 5 });
    assert.equal((await tables.open(table.path).snapshot())?.version, 5);
  });
});
