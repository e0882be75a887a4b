import type { AddFile } from '../../adapters/delta/actions.ts';
import { findMissingFiles } from '../../adapters/delta/missing-files.ts';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { partitionKeyOf } from '../../adapters/delta/partition-key.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { PipelineError } from '../../model/errors.ts';
import { SOURCE_NAME } from '../../model/source-name.ts';
import { deliveries } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { uploadStaged } from '../landing/commit-files.ts';
import type { RunContext } from '../run-context.ts';
import { downloadFiles } from '../upkeep/download-files.ts';
import type { RebuildDeps } from './deps.ts';
import { RebuildState, type RebuildPlan, type RebuiltPart } from './rebuild-plan.ts';
import type { DeliveryFiles } from './transform-deliveries.ts';

/** One part of a planned rebuild. */
export interface PartToRebuild {
  readonly table: Table;
  /** The plan's SHA-256. */
  readonly plan: string;
  /** The part's number, from 0. */
  readonly part: number;
}

/** The counts of a part; `stale` if its plan cannot be carried out any more, and must be made again. */
export type RebuiltCounts =
  | { readonly outcome: 'stale' }
  | {
      readonly outcome: 'done';
      readonly deliveries: number;
      readonly files: number;
      readonly bytes: number;
      readonly rows: number;
    };

/** A UTC day, as 2026-01-31. */
const DAY = /^\d{4}-\d\d-\d\d$/;

const STALE = { outcome: 'stale' } as const;

/** Disk space to reserve, as a multiple of the data files of a part: the files, spilled data, and what is written. */
const DISK_SPACE_RATIO = 4;

/**
 * Transforms one part of `deliveries` into data files of a table and uploads them; the commit adds them. Idempotent: a
 * part that is done is not done again.
 * @throws {PipelineError} INPUT_INVALID, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, HDFS_DAMAGED, an error of
 * HDFS or of the log
 */
export async function rebuildPart(
  deps: RebuildDeps,
  run: RunContext,
  { table, plan: id, part }: PartToRebuild,
): Promise<RebuiltCounts> {
  const target = deps.warehouse.open(table.name);
  const state = new RebuildState(target, run.execution.runId);
  const done = await state.readPart(id, part);
  if (done !== undefined) return countsOf(done);
  const plan = await state.readPlan(id);
  if (plan === undefined) return STALE;
  const files = plan.parts[part];
  if (plan.table !== table.name || files === undefined)
    throw new PipelineError('INPUT_INVALID', `the rebuild of ${table.name} has no part ${part}`);
  if (await isGone(deps.warehouse.open(deliveries.name), files)) return STALE;
  const made = await makePart(deps, run, { target, files, plan, part });
  await state.writePart(id, part, made);
  return countsOf(made);
}

function countsOf({ files, deliveries: read, rows }: RebuiltPart): RebuiltCounts {
  const bytes = files.reduce((sum, { add }) => sum + add.size, 0);
  return { outcome: 'done', deliveries: read, files: files.length, bytes, rows };
}

/** Returns whether files of `deliveries` were deleted after they were replaced, so that a new plan reads others. */
async function isGone(table: DeltaTable, files: readonly AddFile[]): Promise<boolean> {
  const missing = await findMissingFiles(table.hdfs, table.path, files);
  if (missing.size === 0) return false;
  const live = (await table.snapshot())?.files;
  const damaged = [...missing].find((path) => live?.has(path) === true);
  if (damaged === undefined) return true;
  throw new PipelineError(
    'HDFS_DAMAGED',
    `${table.path}/${damaged} is missing, and its table's log still names it`,
  );
}

interface PartSource {
  readonly target: DeltaTable;
  readonly files: readonly AddFile[];
  readonly plan: RebuildPlan;
  readonly part: number;
}

async function makePart(
  deps: RebuildDeps,
  run: RunContext,
  { target, files, plan, part }: PartSource,
): Promise<RebuiltPart> {
  const { own, settings, staging, transform, warehouse } = deps;
  const { runId } = run.execution;
  await staging.reserve(files.reduce((sum, { size }) => sum + size, 0) * DISK_SPACE_RATIO);
  const folder = await own.makeFreshFolder(`rebuild/${plan.table}-${part}`);
  try {
    const local = await downloadFiles(
      warehouse.table(deliveries.name),
      files,
      await own.locate(folder),
      run.signal,
    );
    const result = await transform({
      settings,
      table: plan.table,
      groups: groupsOf(files, local),
      until: new Map(plan.until),
      erased: plan.erased,
      root: own.folder,
      folder,
    });
    const added: PendingFile[] = [];
    const scratch = `${runId}/rebuild-${part}`;
    if (run.attempt > 1) await target.deleteScratch(scratch);
    for (const [index, file] of result.files.entries()) {
      run.signal.throwIfAborted();
      const subject = `rebuild ${part} ${index} of version ${plan.version}`;
      added.push(await uploadStaged(own, target, file, { subject, runId, scratch }));
    }
    const rows = result.files.reduce((sum, file) => sum + file.rows, 0);
    return {
      files: added,
      deliveries: result.deliveries,
      rows,
      refused: { ...result.refused, named: [...result.refused.named] },
    };
  } finally {
    await own.remove(folder);
  }
}

/** Groups neighbours of the same partition, with their local copies. */
function groupsOf(files: readonly AddFile[], local: readonly string[]): DeliveryFiles[] {
  const groups: (DeliveryFiles & { readonly key: string; readonly files: string[] })[] = [];
  for (const [index, file] of files.entries()) {
    const key = partitionKeyOf(file);
    if (groups.at(-1)?.key !== key) groups.push({ key, ...partitionOf(file), files: [] });
    groups.at(-1)?.files.push(local[index] ?? '');
  }
  return groups;
}

/**
 * Returns a file's partition, whose values become folders.
 * @throws {PipelineError} TABLE_LOG_INVALID
 */
function partitionOf({ path, partitionValues }: AddFile): Pick<DeliveryFiles, 'source' | 'ingestedOn'> {
  const { source, ingested_on: ingestedOn } = partitionValues;
  const hasSource = typeof source === 'string' && SOURCE_NAME.pattern.test(source);
  if (hasSource && typeof ingestedOn === 'string' && DAY.test(ingestedOn)) return { source, ingestedOn };
  throw new PipelineError(
    'TABLE_LOG_INVALID',
    `the log of ${deliveries.name} has no valid source or day for the file ${path}`,
  );
}
