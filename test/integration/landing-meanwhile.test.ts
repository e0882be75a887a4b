/** Reads of several tables while another run lands a batch in them. */
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { createPlan } from '../../activities/plan.ts';
import { createLogger } from '../../adapters/log.ts';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { readSnapshots } from '../../client/query/live-tables.ts';
import { BATCH_TABLES, TABLES } from '../../tables/index.ts';
import { deltaMetadata } from '../../tables/table.ts';
import { OtherTopic, someAttempts } from '../faults/other-topic.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';

const logger = createLogger('test', 'fatal');
/** The first listing of the log of the table that is committed last. */
const READ_LAST = /GET \S*\/deliveries\/_delta_log\?op=LISTSTATUS_BATCH/;

let faulty: FaultyHdfs;
let other: OtherTopic;
let path: string;

before(async () => {
  faulty = await FaultyHdfs.start('meanwhile');
  other = await OtherTopic.create();
  await other.publish(someAttempts(1, 12));
});

beforeEach(async () => {
  faulty.clear();
  path = faulty.fresh();
  await land(0, 5);
  faulty.nameNode.plan(READ_LAST, { kind: 'before', run: () => land(5, 9) });
});

after(async () => {
  await other.pipeline.close();
  await faulty.stop();
});

function warehouseBy(hdfs: WebHdfs): Warehouse {
  return new Warehouse(path, { hdfs, logger, checkpointInterval: 100 });
}

/** Commits a batch of no files to each table, in their order. */
async function land(from: number, to: number): Promise<void> {
  const warehouse = warehouseBy(faulty.direct);
  const fences = [{ appId: `${other.topic}/0`, from: BigInt(from), to: BigInt(to) }];
  for (const table of BATCH_TABLES) {
    const scratch = 'other';
    await warehouse.table(table.name).createIfMissing(deltaMetadata(table), scratch);
    await warehouse.table(table.name).commit({ fences, files: [], info: {}, scratch });
  }
}

test('a plan continues from there', async () => {
  const { settings, kafka } = other.pipeline;
  const plan = createPlan({ settings, kafka, warehouse: warehouseBy(faulty.patient()) });
  const { ranges, unfinished } = await plan({ topic: other.topic, publishedEnds: {}, until: null });
  assert.deepEqual([ranges, unfinished], [[{ partition: 0, start: '9', end: '12' }], false]);
  assert.equal(faulty.nameNode.unused, 0);
});

test('a query sees each batch of the last committed table in every table', async () => {
  const snapshots = await readSnapshots(warehouseBy(faulty.patient()), TABLES);
  const positions = BATCH_TABLES.map((table) => snapshots.get(table)?.txns.get(`${other.topic}/0`));
  assert.deepEqual(positions, [9n, 9n, 9n, 9n, 9n]);
  assert.equal(faulty.nameNode.unused, 0);
});
