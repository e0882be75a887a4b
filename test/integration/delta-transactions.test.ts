/** The transactions that a table forgets after a retention, and those that it keeps. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { formatActions, parseActions } from '../../adapters/delta/actions.ts';
import { decodeCheckpoint } from '../../adapters/delta/checkpoint.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { transactionRetention } from '../../steps/landing/transaction-ids.ts';
import { entryFile } from '../../adapters/delta/log-paths.ts';
import { commit, SCRATCH, TestTables } from '../support/delta-tables.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const RETENTION = transactionRetention({ transactionRetention: '30d' });
const DAY_MS = 86_400_000;
const OLD_MS = Date.now() - 31 * DAY_MS;

/** Of each kind one that a table forgets. */
const FORGOTTEN = ['content/s/ndjson/ab', 'run/2f0c', 'chunk/s/ndjson-ab/0of1', 'replay/t/0/7'];
/** Those of topics with these names among them. */
const KEPT = [
  't/7',
  'run/0',
  'content/3',
  'topic/t/abc',
  'from/t/0',
  'table/options',
  'skipped/t/0/5-9',
  'skipped/run/0/5-9',
];
const INTERVAL = 4;

let faulty: FaultyHdfs;
let tables: TestTables;

before(async () => {
  faulty = await FaultyHdfs.start('delta-transactions');
  tables = new TestTables(faulty);
});

after(() => faulty.stop());

/** Opens a table as a worker with the retention does. */
function open(path: string): DeltaTable {
  return tables.open(path, faulty.direct, INTERVAL, { transactionRetention: RETENTION });
}

async function transactionsOf(path: string): Promise<string[]> {
  return [...((await open(path).head())?.txns.keys() ?? [])].sort();
}

test('old transactions of what happens once are forgotten, from entries and checkpoints alike; all others stay', async () => {
  const { path } = await tables.create();
  const written = [...FORGOTTEN, ...KEPT].map((appId) => ({
    txn: { appId, version: 1, lastUpdated: OLD_MS },
  }));
  const entry = formatActions([{ commitInfo: {} }, ...written]);
  await faulty.direct.create(entryFile(path, 1), Buffer.from(entry));
  assert.deepEqual(await transactionsOf(path), [...KEPT].sort(), 'read from entries');

  for (let from = 0; from < INTERVAL - 1; from += 1) await commit(open(path), from, from + 1);
  const file = `${path}/_delta_log/${String(INTERVAL).padStart(20, '0')}.checkpoint.parquet`;
  const actions = await decodeCheckpoint(await faulty.direct.read(file), file, 'head');
  const kept = actions.flatMap(({ txn }) => (txn ? [txn] : []));
  assert.deepEqual(kept.map(({ appId }) => appId).sort(), [...KEPT, 't/0'].sort(), 'in the checkpoint');
  assert.deepEqual(
    [...new Set(kept.filter(({ appId }) => appId !== 't/0').map(({ lastUpdated }) => lastUpdated))],
    [OLD_MS],
  );
  assert.deepEqual(await transactionsOf(path), [...KEPT, 't/0'].sort(), 'read from the checkpoint');
  await faulty.direct.delete(`${path}/_delta_log/_last_checkpoint`);
  await faulty.direct.delete(file);
  assert.deepEqual(await transactionsOf(path), [...KEPT, 't/0'].sort(), 'read from entries again');
});

test('a forgotten transaction can be committed again, and is then kept for another retention', async () => {
  const { path } = await tables.create();
  const [appId = ''] = FORGOTTEN;
  const old = formatActions([{ commitInfo: {} }, { txn: { appId, version: 1, lastUpdated: OLD_MS } }]);
  await faulty.direct.create(entryFile(path, 1), Buffer.from(old));
  const fences = [{ appId, from: undefined, to: 1n }];
  const again = { fences, files: [], info: {}, scratch: SCRATCH };
  assert.equal((await tables.open(path).commit(again)).outcome, 'landed-before', 'without a retention');
  const table = open(path);
  assert.equal((await table.commit(again)).outcome, 'committed');
  assert.equal((await table.commit(again)).outcome, 'landed-before');
  const bytes = await faulty.direct.read(entryFile(path, 2));
  const [txn] = parseActions(bytes.toString(), 'entry').flatMap((action) => action.txn ?? []);
  assert.ok(Date.now() - (txn?.lastUpdated ?? 0) < DAY_MS);
});

test('nothing is committed to a table whose transactions other programs forget, until its property is unset', async () => {
  const { path } = await tables.create();
  const program = new OtherProgram(faulty.direct, path);
  await program.configure({ 'delta.setTransactionRetentionDuration': 'interval 1 day' });
  const refused = {
    code: 'TABLE_LOG_INVALID',
    message: /delta\.setTransactionRetentionDuration = "interval 1 day"/,
  };
  await assert.rejects(commit(open(path), 0, 1), refused);
  const head = await open(path).head();
  assert.equal(head?.version, 1);
  await assert.rejects(open(path).headForAppend(head.metadata), refused);
  await program.configure({});
  await commit(open(path), 0, 1);
  assert.deepEqual(await transactionsOf(path), ['t/0']);
});
