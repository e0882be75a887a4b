import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { parseActions, formatActions } from '../../adapters/delta/actions.ts';
import { DeltaTable } from '../../adapters/delta/table.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import { createLogger } from '../../adapters/log.ts';
import { attempts } from '../support/attempt-contract.ts';
import { deltaMetadata } from '../../tables/table.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { codeOf } from '../support/harness.ts';
import { pendingFile } from '../support/pending-file.ts';

const SCRATCH = 'run';
const COMMITS = 12;
/** A second between commits. */
const BEGIN_MS = Date.parse('2026-01-31T12:00:00.000Z');

let faulty: FaultyHdfs;

before(async () => {
  faulty = await FaultyHdfs.start('delta-versions');
});

after(() => faulty.stop());

/** Creates a table with a file a version, checkpoints at versions 5 and 10, and version N at second N. */
async function newTable(): Promise<string> {
  const path = faulty.fresh();
  const logger = createLogger('test', 'fatal');
  const table = new DeltaTable(path, { hdfs: faulty.direct, logger, checkpointInterval: 5 });
  await table.createIfMissing(deltaMetadata(attempts), SCRATCH);
  for (let from = 0; from < COMMITS; from += 1) {
    const fences = [{ appId: 't/0', from: BigInt(from), to: BigInt(from + 1) }];
    const info = { timestamp: BEGIN_MS + (from + 1) * 1000 };
    await table.commit({ fences, files: [await pendingFile(path, `f${from + 1}`)], info, scratch: SCRATCH });
  }
  await setTime(path, 0, BEGIN_MS);
  return path;
}

function entryOf(path: string, version: number): string {
  return `${path}/_delta_log/${String(version).padStart(20, '0')}.json`;
}

async function setTime(path: string, version: number, timestamp: number | undefined): Promise<void> {
  const entry = entryOf(path, version);
  const actions = parseActions((await faulty.direct.read(entry)).toString(), entry).map((action) =>
    action.commitInfo ? { commitInfo: { ...action.commitInfo, timestamp } } : action,
  );
  await faulty.direct.delete(entry);
  await faulty.direct.create(entry, Buffer.from(formatActions(actions)));
}

/** Deletes the entries of versions, as the clean-up of Spark and delta-rs does after a checkpoint. */
async function deleteEntries(path: string, before: number): Promise<void> {
  for (let version = 0; version < before; version += 1)
    assert(await faulty.direct.delete(entryOf(path, version)));
}

function list(path: string): Promise<TableVersions> {
  return TableVersions.list(faulty.direct, path);
}

async function filesAt(path: string, version: number): Promise<string[]> {
  const snapshot = await (await list(path)).snapshotAt(version);
  assert.equal(snapshot.version, version);
  assert.equal(snapshot.txns.get('t/0') ?? 0n, BigInt(version));
  return [...snapshot.files.keys()];
}

function filesUpTo(version: number): string[] {
  return Array.from({ length: version }, (_, index) => `f${index + 1}`);
}

describe('a version of a table', () => {
  let path: string;

  before(async () => {
    path = await newTable();
  });

  test('has the files and transactions committed until then, with and without a checkpoint before it', async () => {
    for (const version of [0, 1, 4, 5, 6, 9, 10, 11, 12])
      assert.deepEqual(await filesAt(path, version), filesUpTo(version));
  });

  test('lacks files that a later entry removed, and has those that it removed afterwards', async () => {
    const own = await newTable();
    const remove = { path: 'f2', deletionTimestamp: 1, dataChange: true };
    await faulty.direct.create(entryOf(own, 13), Buffer.from(formatActions([{ remove }])));
    const log = await list(own);
    assert.equal((await log.snapshotAt(12)).files.has('f2'), true);
    assert.equal((await log.snapshotAt(13)).files.has('f2'), false);
  });

  test('that does not exist yet is an error that names the newest', async () => {
    assert.match(
      await codeOf(filesAt(path, 13)),
      new RegExp(`^VERSION_UNKNOWN: ${path} has no version 13: the newest is version 12$`),
    );
  });

  test('of a table that does not exist is an error that names the table', async () => {
    assert.match(
      await codeOf(list('/test/none')),
      /^VERSION_UNKNOWN: the table \/test\/none does not exist yet/,
    );
  });

  test('is found by the time of its commit, to the millisecond', async () => {
    const log = await list(path);
    for (const version of [0, 1, 7, 12]) {
      assert.equal(await log.versionAt(BEGIN_MS + version * 1000), version);
      assert.equal(await log.versionAt(BEGIN_MS + version * 1000 + 999), version);
    }
    assert.equal(await log.versionAt(Date.now()), 12);
    assert.match(
      await codeOf(log.versionAt(BEGIN_MS - 1)),
      /^VERSION_UNKNOWN: the table .* did not exist yet at 2026-01-31T11:59:59\.999Z: it begins with version 0, which is of 2026-01-31T12:00:00\.000Z$/,
    );
  });

  test('is found by time although a clock was set back', async () => {
    const own = await newTable();
    await setTime(own, 8, BEGIN_MS);
    const log = await list(own);
    assert.equal(await log.versionAt(BEGIN_MS + 500), 0);
    assert.equal(await log.versionAt(BEGIN_MS + 7000), 7);
    assert.equal(await log.versionAt(BEGIN_MS + 7001), 8);
  });

  test('without a time has that of its file in HDFS', async () => {
    const own = await newTable();
    const before = Date.now();
    await setTime(own, 12, undefined);
    const log = await list(own);
    assert.equal(await log.versionAt(BEGIN_MS + 60_000), 11);
    assert.equal(await log.versionAt(before + 60_000), 12);
  });
});

describe('a log whose entries before a checkpoint were deleted', () => {
  let path: string;

  before(async () => {
    path = await newTable();
    await deleteEntries(path, 8);
  });

  test('has the versions from the checkpoint on, and that of an older checkpoint', async () => {
    for (const version of [5, 10, 11, 12]) assert.deepEqual(await filesAt(path, version), filesUpTo(version));
  });

  test('has no versions before, and says which is the oldest', async () => {
    for (const version of [0, 4, 6, 7, 8, 9])
      assert.match(
        await codeOf(filesAt(path, version)),
        new RegExp(
          `^VERSION_GONE: the log of ${path} no longer has version ${version}: it was cleaned up, and the oldest version in it is 5$`,
        ),
      );
  });

  test('tells whether a version is in it', async () => {
    const log = await list(path);
    assert.deepEqual(
      Array.from({ length: 14 }, (_, version) => version).filter((version) => log.isInLog(version)),
      [5, 10, 11, 12],
    );
    assert.deepEqual([log.newest, log.withEntry], [12, [8, 9, 10, 11, 12]]);
  });

  test('does not have the version of an earlier time', async () => {
    const log = await list(path);
    assert.equal(await log.versionAt(BEGIN_MS + 8000), 8);
    assert.match(
      await codeOf(log.versionAt(BEGIN_MS + 7999)),
      /^VERSION_GONE: the log of .* no longer has the version of .*: its entries begin at version 8, which is of 2026-01-31T12:00:08\.000Z$/,
    );
  });

  test('ends at the version before a gap', async () => {
    const own = await newTable();
    assert(await faulty.direct.delete(entryOf(own, 12)));
    const { add } = await pendingFile(own, 'f13');
    await faulty.direct.create(
      entryOf(own, 13),
      Buffer.from(formatActions([{ add: { ...add, modificationTime: 1 } }])),
    );
    const log = await list(own);
    assert.equal(log.newest, 11);
    assert.match(await codeOf(log.snapshotAt(13)), /^VERSION_UNKNOWN: .* the newest is version 11$/);
  });
});
