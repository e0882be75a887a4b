import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { topicOffsets, type KafkaOptions } from '../../adapters/kafka/client.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import { PipelineError } from '../../model/errors.ts';
import type { Batch, StagedTables } from '../../model/references.ts';
import { BATCH_TABLES, DERIVED_TABLES, deliveries } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import type { RunContext } from '../run-context.ts';
import { commitFiles, type CommitDeps } from './commit-files.ts';
import { readFileList, type FileList } from './file-list.ts';
import {
  batchTransactions,
  erasureAppId,
  partitionAppId,
  skippedAppId,
  tableAppId,
  topicAppId,
} from './transaction-ids.ts';

/** A transformed batch to land. */
export interface BatchToLand {
  readonly tables: StagedTables;
  /** Whether a person let the run skip these offsets; recorded in the tables' logs. */
  readonly skipped: boolean;
}

/** A landed batch. */
export interface LandedBatch {
  /** Whether this run committed the batch, or it was in the tables before. */
  readonly outcome: 'committed' | 'landed-before';
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** The services of {@link landBatch}, and the run's staged files. */
export interface LandDeps {
  readonly warehouse: Warehouse;
  readonly kafka: KafkaOptions;
  readonly own: RunStaging;
}

/**
 * Uploads a batch's files and commits them to each table's log, `deliveries` last, then removes them from the disk.
 * Idempotent: each table has the batch once. Accepts only files that this run staged.
 * @throws {PipelineError} INPUT_INVALID, OFFSETS_MOVED if another run landed a part of it or it leaves a gap,
 * HDFS_UNREACHABLE, HDFS_REFUSED, HDFS_DAMAGED, TABLE_LOG_INVALID, STAGING_LOST, an error of Kafka
 */
export async function landBatch(deps: LandDeps, run: RunContext, request: BatchToLand): Promise<LandedBatch> {
  const { own } = deps;
  const { tables, skipped } = request;
  const [path = ''] = tables.staged;
  const { batch, files, rows, sources } = tables;
  const list = once(() => readFileList(own, path, tables));
  await own.requireReceipt(skipped ? skippedPath(path) : path, { batch, files, rows, sources });
  await requireNoGapBefore(deps, batch);
  const derived = mapConcurrent(DERIVED_TABLES.length, DERIVED_TABLES, (table) =>
    landTable(deps, run, { table, list, ...request }),
  );
  const last = landTable(deps, run, { table: deliveries, list, ...request }, derived);
  await mapConcurrent<Promise<unknown>, unknown>(2, [derived, last], (one) => one);
  const outcome = await last;
  for (const staged of tables.staged) await own.remove(staged);
  return {
    outcome,
    rows: Object.fromEntries(BATCH_TABLES.map(({ name }) => [name, rows[name] ?? 0])),
    bytes: files.bytes,
  };
}

/**
 * Makes sure that the first batch of a partition starts at Kafka's earliest offset, since no fence in the tables checks
 * that.
 * @throws {PipelineError} OFFSETS_MOVED, an error of Kafka
 */
async function requireNoGapBefore(
  { warehouse, kafka }: Pick<LandDeps, 'warehouse' | 'kafka'>,
  { topic, ranges }: Batch,
): Promise<void> {
  const txns = (await warehouse.table(deliveries.name).head())?.txns;
  const first = ranges.filter(({ partition }) => txns?.has(partitionAppId(topic, partition)) !== true);
  if (first.length === 0) return;
  const offsets = await topicOffsets(kafka, topic);
  const earliest = new Map(offsets.map(({ partition, earliest: offset }) => [partition, BigInt(offset)]));
  for (const { partition, start } of first) {
    const begin = earliest.get(partition);
    if (begin === undefined || BigInt(start) <= begin) continue;
    throw new PipelineError(
      'OFFSETS_MOVED',
      `no table holds anything of ${topic}/${partition}, which begins at ${begin}, but the batch begins at ${start}, ` +
        'which would leave a gap',
    );
  }
}

/** Returns the path of the receipt that allows landing a batch without its rows. */
export function skippedPath(path: string): string {
  return `${path}.skipped`;
}

/** One table of a batch. */
interface TableToLand extends BatchToLand {
  readonly table: Table;
  readonly list: () => Promise<FileList>;
}

/** Returns a function that calls another once, at its first call. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

async function landTable(
  deps: CommitDeps,
  run: RunContext,
  { table, list, tables: { batch }, skipped }: TableToLand,
  before?: Promise<unknown>,
): Promise<LandedBatch['outcome']> {
  const landing = {
    table,
    files: async () => (await list()).files.filter((file) => file.table === table.name),
    subject: JSON.stringify(batch),
    fences: batchTransactions(batch),
    maxVersions: async () =>
      new Map(
        Object.entries((await list()).erasures).map(([source, number]) => [
          erasureAppId(source),
          BigInt(number),
        ]),
      ),
    marks: async () => [
      ...(batch.topicId === undefined ? [] : [topicAppId(batch.topic, batch.topicId)]),
      ...(table === deliveries ? DERIVED_TABLES.map(({ name }) => tableAppId(name)) : []),
      ...(skipped && table === deliveries
        ? batch.ranges.map((range) => skippedAppId(batch.topic, range))
        : []),
      ...(table === deliveries ? (await list()).erased : []),
    ],
    info: { batch, ...(skipped ? { skipped: true } : {}) },
  };
  const { outcome } = await commitFiles(deps, run, landing, before);
  return outcome;
}
