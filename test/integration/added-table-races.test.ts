/** Writers that create a new table while others land batches of other topics. */
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { createLogger } from '../../adapters/log.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { commitFiles } from '../../steps/landing/commit-files.ts';
import { tableAppId } from '../../steps/landing/transaction-ids.ts';
import { BATCH_TABLES, DERIVED_TABLES, deliveries } from '../../tables/index.ts';
import { options } from '../support/attempt-contract.ts';
import type { Table } from '../../tables/table.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';

const logger = createLogger('test', 'fatal');
/** The program's tables before the new one. */
const EARLIER = BATCH_TABLES.filter((table) => table !== options);
/** The first renaming in the new table, which is that of its first entry. */
const CREATION = /\/options\/_scratch\/\S*op=RENAME/;

let faulty: FaultyHdfs;
let path: string;

before(async () => {
  faulty = await FaultyHdfs.start('added');
});

beforeEach(async () => {
  faulty.clear();
  path = faulty.fresh();
  await land(faulty.direct, 'x', 0, 5, EARLIER);
  await land(faulty.direct, 'y', 0, 3, EARLIER);
});

after(() => faulty.stop());

function warehouseBy(hdfs: WebHdfs): Warehouse {
  return new Warehouse(path, { hdfs, logger, checkpointInterval: 100 });
}

/** Commits a batch without files to each table as a run does: `deliveries` after all others. */
async function land(
  hdfs: WebHdfs,
  topic: string,
  from: number,
  to: number,
  tables: readonly Table[] = BATCH_TABLES,
  warehouse = warehouseBy(hdfs),
): Promise<void> {
  const own = { locate: () => Promise.reject(new TypeError('the batch has no files')) };
  const run = { execution: { workflowId: topic, runId: `run-of-${topic}` }, attempt: 1 };
  const commit = (table: Table, before?: Promise<unknown>): Promise<unknown> => {
    const fences = [{ appId: `${topic}/0`, from: BigInt(from), to: BigInt(to) }];
    const names = tables.filter((one) => one !== deliveries).map(({ name }) => tableAppId(name));
    const marks = (): Promise<string[]> => Promise.resolve(table === deliveries ? names : []);
    const batch = { table, files: () => Promise.resolve([]), subject: topic, fences, marks, info: {} };
    return commitFiles({ warehouse, own }, run, batch, before);
  };
  const derived = Promise.all(tables.filter((table) => table !== deliveries).map((table) => commit(table)));
  await Promise.all([derived, commit(deliveries, derived)]);
}

async function transactionsOf(table: Table): Promise<Record<string, number>> {
  const head = await warehouseBy(faulty.direct).table(table.name).head();
  const txns = [...(head?.txns ?? [])].filter(([appId]) => !appId.startsWith('table/'));
  return Object.fromEntries(txns.map(([appId, version]) => [appId, Number(version)] as const));
}

async function requireSamePositions(expected: Record<string, number>): Promise<void> {
  for (const table of [deliveries, ...DERIVED_TABLES.filter((one) => one !== options)])
    assert.deepEqual(await transactionsOf(table), expected, table.name);
  assert.deepEqual(await transactionsOf(options), { ...expected, 'from/x/0': 5, 'from/y/0': 3 });
}

test('another topic’s batch that lands just before the creation leaves no gap', async () => {
  faulty.nameNode.plan(CREATION, { kind: 'before', run: () => land(faulty.direct, 'y', 3, 8) });
  await land(faulty.patient(), 'x', 5, 9);
  assert.equal(faulty.nameNode.unused, 0);
  await requireSamePositions({ 'x/0': 9, 'y/0': 8 });
});

test('the same batch that another run lands just before the creation is landed once', async () => {
  faulty.nameNode.plan(CREATION, { kind: 'before', run: () => land(faulty.direct, 'x', 5, 9) });
  await land(faulty.patient(), 'x', 5, 9);
  assert.equal(faulty.nameNode.unused, 0);
  await requireSamePositions({ 'x/0': 9, 'y/0': 3 });
});

test('a creation whose answer is lost is made once', async () => {
  faulty.nameNode.plan(CREATION, { kind: 'swallow-answer' });
  await land(faulty.client(), 'x', 5, 9);
  assert.equal(faulty.nameNode.unused, 0);
  await requireSamePositions({ 'x/0': 9, 'y/0': 3 });
});

test('six writers at once, of two known topics and a new one, leave all tables at the same positions', async () => {
  const batches = { x: [5, 6, 7, 8], y: [3, 4, 5, 6], z: [0, 1, 2, 3] };
  const writers = Object.entries(batches).flatMap(([topic, ends]) => [0, 1].map(() => ({ topic, ends })));
  await Promise.all(
    writers.map(async ({ topic, ends }) => {
      const warehouse = warehouseBy(faulty.direct);
      for (const [at, to] of ends.slice(1).entries())
        await land(faulty.direct, topic, ends[at] ?? 0, to, BATCH_TABLES, warehouse);
    }),
  );
  await requireSamePositions({ 'x/0': 8, 'y/0': 6, 'z/0': 3 });
});
