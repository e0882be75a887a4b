import type { AddFile } from '../../adapters/delta/actions.ts';
import { partitionKeyOf } from '../../adapters/delta/partition-key.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { packInOrder } from '../../lib/pack-in-order.ts';
import { PipelineError } from '../../model/errors.ts';
import { deliveries } from '../../tables/index.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { transactionsAt, type Transactions } from '../landing/added-tables.ts';
import { parsePartitionAppId } from '../landing/transaction-ids.ts';
import { erasedIdsIn } from '../erasure/erased-offsets.ts';
import type { RunContext } from '../run-context.ts';
import type { RebuildDeps } from './deps.ts';
import { RebuildState, type RebuildPlan } from './rebuild-plan.ts';

/** A rebuild that was planned. */
export interface PlannedRebuild {
  /** The plan's SHA-256, by which the other steps find it. */
  readonly plan: string;
  /** The number of parts to transform. */
  readonly parts: number;
}

type PlanDeps = Pick<RebuildDeps, 'warehouse'>;

/** The size of a part in bytes of data files, which are compressed, unless there would be too many parts. */
const PART_BYTES = 64 * 2 ** 20;

/** The maximum number of files of a part, unless there would be too many parts: the files of a part are open at once. */
const PART_FILES = 500;

/** The number of parts past which parts become larger: each is an activity in the history of the run. */
const MAX_PARTS = 1000;

/**
 * Plans the rebuild of a table, and creates the table if it is missing. The plan is stored beside the table.
 * @throws {PipelineError} TABLE_REWRITTEN if rows of `deliveries` are missing; TABLE_UNKNOWN if nothing has landed;
 * DELIVERIES_BEHIND while a batch is in the table and not in `deliveries`; an error of HDFS or of the log
 */
export async function planRebuild(
  deps: PlanDeps,
  { execution: { runId } }: Pick<RunContext, 'execution'>,
  table: Table,
): Promise<PlannedRebuild> {
  const target = deps.warehouse.open(table.name);
  await createAsDeliveries(deps, target, table, runId);
  const plan = await readPlan(deps, table);
  if (plan === undefined)
    throw new PipelineError('TABLE_LOG_CHANGED', `${target.path} was deleted while its rebuild was planned`);
  const state = new RebuildState(target, runId);
  return { plan: await state.writePlan(plan), parts: plan.parts.length };
}

/**
 * Returns what a rebuild of a table would read and replace now; undefined if the table does not exist. Read-only.
 * @throws {PipelineError} As {@link planRebuild}.
 */
export async function readPlan({ warehouse }: PlanDeps, table: Table): Promise<RebuildPlan | undefined> {
  // In this order: a table that is behind the first position of deliveries lacks rows, one that is ahead of it may not.
  const landed = await readLanded(warehouse.open(deliveries.name));
  const snapshot = await warehouse.open(table.name).snapshot();
  if (snapshot === undefined) return undefined;
  const raw = await warehouse.open(deliveries.name).snapshot();
  if (raw === undefined) throw nothingLanded(warehouse.path);
  const positions = positionsIn(snapshot.txns);
  requireReached(table, positions, raw.txns);
  return {
    table: table.name,
    version: snapshot.version,
    replaced: [...snapshot.files.keys()],
    positions,
    until: untilOf(positions, landed),
    erased: erasedIdsIn(raw.txns),
    parts: partsOf(raw),
  };
}

/** @throws {PipelineError} TABLE_REWRITTEN, TABLE_UNKNOWN */
async function readLanded(table: DeltaTable): Promise<Transactions> {
  const head = await table.headForAppend(deltaMetadata(deliveries));
  if (head === undefined) throw nothingLanded(table.path);
  return head.txns;
}

function nothingLanded(path: string): PipelineError {
  return new PipelineError(
    'TABLE_UNKNOWN',
    `${path}: nothing has landed yet, so there is nothing to rebuild`,
  );
}

/**
 * Creates a table, if it is missing, at the position of `deliveries` and without rows, as one that was added to the
 * warehouse. Landings then go on, and the rebuild adds the rows before. No batch can fall between the reading of
 * `deliveries` and the creation: a batch is committed there only after it is in all other tables.
 */
async function createAsDeliveries(
  { warehouse }: PlanDeps,
  target: DeltaTable,
  table: Table,
  scratch: string,
): Promise<void> {
  if ((await target.head()) !== undefined) return;
  await target.createIfMissing(deltaMetadata(table), scratch, async () =>
    transactionsAt(await readLanded(warehouse.open(deliveries.name))),
  );
}

/** Returns the positions of a table, by transaction id. */
export function positionsIn(txns: Transactions): [appId: string, offset: bigint][] {
  return [...txns].filter(([appId]) => parsePartitionAppId(appId) !== undefined);
}

/** @throws {PipelineError} DELIVERIES_BEHIND */
function requireReached(table: Table, positions: RebuildPlan['positions'], landed: Transactions): void {
  for (const [appId, position] of positions) {
    const reached = landed.get(appId) ?? 0n;
    if (reached >= position) continue;
    throw new PipelineError(
      'DELIVERIES_BEHIND',
      `${table.name} holds ${appId} up to ${position}, but ${deliveries.name} only up to ${reached}: a batch is being ` +
        'landed, or a run that landed a part of it waits',
    );
  }
}

/** Returns for each partition the position of the table, or that of `deliveries` if the table is behind it. */
function untilOf(positions: RebuildPlan['positions'], landed: Transactions): RebuildPlan['until'] {
  const until = new Map(positions);
  for (const [appId, position] of positionsIn(landed))
    if (position > (until.get(appId) ?? 0n)) until.set(appId, position);
  return [...until];
}

/** Cuts the files of `deliveries` into parts, partition by partition, in the order of the log. */
function partsOf({ files }: Snapshot): AddFile[][] {
  const keyed = [...files.values()].map((file) => ({ key: partitionKeyOf(file), file }));
  const all = keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ file }) => file);
  const bytes = all.reduce((sum, { size }) => sum + size, 0);
  const maxBytes = Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS) * 2);
  const maxFiles = Math.max(PART_FILES, Math.ceil(all.length / MAX_PARTS) * 2);
  return packInOrder(all, { maxBytes, maxItems: maxFiles });
}
