import assert from 'node:assert/strict';
import test, { after, before, beforeEach, describe } from 'node:test';
import { readHistory } from '../../adapters/delta/history.ts';
import type { CommitOutcome } from '../../adapters/delta/entries.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { createLogger } from '../../adapters/log.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { attempts } from '../support/attempt-contract.ts';
import { PARTITION_COLUMNS, deltaMetadata, type Column, type DeltaMetadata } from '../../tables/table.ts';
import { forgetBefore } from '../support/log-copies.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { pendingFile } from '../support/pending-file.ts';

const LOGGER = createLogger('test', 'fatal');
const SCRATCH = 'run';

let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('columns');
});

beforeEach(() => {
  faulty.clear();
});

after(() => faulty.stop());

/** A table as a process of its own sees it. */
function open(path: string, hdfs: WebHdfs = faulty.direct): DeltaTable {
  return new DeltaTable(path, { hdfs, logger: LOGGER, checkpointInterval: 5 });
}

async function newTable(): Promise<DeltaTable> {
  const table = open(faulty.fresh());
  await open(table.path).createIfMissing(deltaMetadata(attempts), SCRATCH);
  return table;
}

async function commit(
  table: DeltaTable,
  from: number,
  to: number,
  path = `${from}-${to}`,
): Promise<CommitOutcome> {
  const fences = [{ appId: 't/0', from: BigInt(from), to: BigInt(to) }];
  const files = [await pendingFile(table.path, path)];
  return table.commit({ fences, files, info: {}, scratch: SCRATCH });
}

async function filesOf(table: DeltaTable): Promise<string[]> {
  return [...((await open(table.path).snapshot())?.files.keys() ?? [])];
}

/** The metadata of `attempts` with other columns. */
function shaped(columns: readonly Column[]): DeltaMetadata {
  return deltaMetadata({ ...attempts, columns });
}

describe('a commit of a column that the table lacks', () => {
  const GROWN = shaped([...attempts.columns, { name: 'colour', type: 'string', meaning: 'Its colour.' }]);

  /** Opens the table as a program with the additional column. */
  async function openGrown(path: string, hdfs?: WebHdfs): Promise<DeltaTable> {
    const table = open(path, hdfs);
    await table.createIfMissing(GROWN, SCRATCH);
    return table;
  }

  async function namesIn(table: DeltaTable): Promise<string[]> {
    const schema = (await open(table.path).head())?.metadata.schemaString ?? '{}';
    return (JSON.parse(schema) as { fields: { name: string }[] }).fields.map(({ name }) => name);
  }

  /** The operations of the log's entries, in order. */
  async function operationsIn(table: DeltaTable): Promise<unknown[]> {
    const entries = await readHistory(faulty.direct, table.path);
    return entries.map(({ info }) => info['operation']);
  }

  const EXISTING = [...attempts.columns, ...PARTITION_COLUMNS].map(({ name }) => name);

  test('adds it by an entry of its own, after the columns that are there', async () => {
    const table = await newTable();
    await commit(table, 0, 4);
    const before = await table.head();
    assert.ok(await open(table.path).headForAppend(GROWN));
    const grown = await openGrown(table.path);
    assert.deepEqual(await commit(grown, 4, 8), { outcome: 'committed', version: 3 });
    assert.deepEqual(await operationsIn(table), ['CREATE TABLE', 'WRITE', 'ADD COLUMNS', 'WRITE']);
    assert.deepEqual(await namesIn(table), [...EXISTING, 'colour']);
    const later = await open(table.path).head();
    assert.deepEqual({ ...later?.metadata, schemaString: '' }, { ...before?.metadata, schemaString: '' });
    assert.deepEqual(await commit(grown, 8, 12), { outcome: 'committed', version: 4 });
  });

  test('that has landed before adds nothing', async () => {
    const table = await newTable();
    await commit(table, 0, 4);
    assert.deepEqual(await commit(await openGrown(table.path), 0, 4), {
      outcome: 'landed-before',
      version: 1,
    });
    assert.deepEqual(await namesIn(table), EXISTING);
  });

  test('of six writers at once adds it once, beside writers that do not know it', async () => {
    const table = await newTable();
    await Promise.all(
      Array.from({ length: 8 }, async (_, who) => {
        const own = who < 2 ? open(table.path) : await openGrown(table.path);
        if (who < 2) await own.createIfMissing(deltaMetadata(attempts), SCRATCH);
        for (let from = 0; from < 6; from += 1) await commit(own, from, from + 1, `${from} by ${who}`);
      }),
    );
    assert.deepEqual(await namesIn(table), [...EXISTING, 'colour']);
    const operations = await operationsIn(table);
    assert.equal(operations.filter((name) => name === 'ADD COLUMNS').length, 1);
    assert.equal(operations.filter((name) => name === 'WRITE').length, 6);
  });

  test('keeps the columns that other versions of the program have added at the same time', async () => {
    const table = await newTable();
    const other = open(table.path);
    await other.createIfMissing(
      shaped([...attempts.columns, { name: 'size', type: 'long', meaning: 'Its size.' }]),
      SCRATCH,
    );
    const grown = await openGrown(table.path);
    await commit(other, 0, 4);
    await commit(grown, 4, 8);
    await commit(other, 8, 12);
    assert.deepEqual(await namesIn(table), [...EXISTING, 'size', 'colour']);
    assert.deepEqual(await filesOf(table), ['0-4', '4-8', '8-12']);
  });

  test('adds it once if the answer to the renaming of its entry is lost', async () => {
    const table = await newTable();
    faulty.nameNode.plan(/op=RENAME\S*_delta_log/, { kind: 'swallow-answer' });
    const grown = await openGrown(table.path, faulty.client());
    assert.deepEqual(await commit(grown, 0, 4), { outcome: 'committed', version: 2 });
    assert.deepEqual(await operationsIn(table), ['CREATE TABLE', 'ADD COLUMNS', 'WRITE']);
    assert.equal(faulty.nameNode.unused, 0);
  });

  test('is seen by a reader that begins at a checkpoint after it', async () => {
    const table = await newTable();
    const grown = await openGrown(table.path);
    for (let from = 0; from < 5; from += 1) await commit(grown, from, from + 1);
    await forgetBefore(faulty.direct, table.path, 5);
    assert.deepEqual(await namesIn(table), [...EXISTING, 'colour']);
    assert.deepEqual(await filesOf(table), ['0-1', '1-2', '2-3', '3-4', '4-5']);
  });
});
