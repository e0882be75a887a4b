import { join } from 'node:path';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { targetFileSizeOf } from '../../adapters/delta/properties.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import type { Table } from '../../tables/table.ts';
import type { RunContext } from '../run-context.ts';
import { erasureAppId } from '../landing/transaction-ids.ts';
import { shortHash } from '../transform/table-files.ts';
import type { UpkeepDeps, UpkeepLimits } from './deps.ts';
import { downloadFiles } from './download-files.ts';
import { mergeFiles } from './merge-files.ts';
import { COMPACTED_TAG, planCompaction, type CompactionGroup } from './plan-compaction.ts';

/** Files that one commit replaced, or would replace. */
export interface Compaction {
  /** The number of files that are replaced. */
  readonly files: number;
  /** Their bytes. */
  readonly bytes: number;
  /** The bytes of the files that replace them; 0 if nothing was committed. */
  readonly writtenBytes: number;
}

/** The result of {@link compactNext}. */
export interface CompactionStep extends Compaction {
  /** The number of groups that are left to compact. */
  readonly groupsLeft: number;
}

const NOTHING: Compaction = { files: 0, bytes: 0, writtenBytes: 0 };

/** Returns the groups of files that compaction would merge now. Read-only. */
export async function compactionGroups(
  { warehouse, limits, nowMs }: Pick<UpkeepDeps, 'warehouse' | 'limits' | 'nowMs'>,
  table: Table,
): Promise<CompactionGroup[]> {
  const snapshot = await warehouse.table(table.name).snapshot();
  return snapshot === undefined ? [] : compactionGroupsOf(snapshot, limits, nowMs());
}

/**
 * Returns the groups of files of a snapshot that compaction would merge.
 * @param nowMs Milliseconds since 1970.
 */
export function compactionGroupsOf(
  snapshot: Snapshot,
  limits: UpkeepLimits,
  nowMs: number,
): CompactionGroup[] {
  const targetBytes = targetFileSizeOf(snapshot.metadata, limits.targetBytes);
  return planCompaction(
    snapshot.files.values(),
    { ...limits, targetBytes },
    new Date(nowMs).toISOString().slice(0, 10),
  );
}

/**
 * Merges the first group of small files of a table and commits the result, once its rows are proved to be the same.
 * A group that loses a file to another commit meanwhile is left as it is, to be planned again.
 * @throws {PipelineError} UPKEEP_MISMATCH, TABLE_REWRITTEN, STAGING_FULL, HDFS_DAMAGED, an error of HDFS or of the log
 */
export async function compactNext(deps: UpkeepDeps, run: RunContext, table: Table): Promise<CompactionStep> {
  const snapshot = await deps.warehouse.table(table.name).snapshot();
  if (snapshot === undefined) return { ...NOTHING, groupsLeft: 0 };
  const [group, ...others] = compactionGroupsOf(snapshot, deps.limits, deps.nowMs());
  if (group === undefined) return { ...NOTHING, groupsLeft: 0 };
  return { ...(await compactGroup(deps, run, { table, group, snapshot })), groupsLeft: others.length };
}

interface PlannedGroup {
  readonly table: Table;
  readonly group: CompactionGroup;
  /** The version of the table that the group is of. */
  readonly snapshot: Snapshot;
}

async function compactGroup(
  deps: UpkeepDeps,
  run: RunContext,
  { table, group, snapshot }: PlannedGroup,
): Promise<Compaction> {
  const deltaTable = deps.warehouse.table(table.name);
  // The files, the merged file, and the data that DuckDB spills of it.
  await deps.staging.reserve(group.bytes * 3);
  const path = await deps.own.makeFreshFolder(`compact/${table.name}`);
  try {
    const folder = await deps.own.locate(path);
    const inputs = await downloadFiles(deltaTable, group.files, folder, run.signal);
    const output = join(folder, 'merged.parquet');
    const { stats } = await mergeFiles({ table, inputs, output, temporaryFolder: folder });
    run.signal.throwIfAborted();
    const added = await upload(deltaTable, output, group, { stats, runId: run.execution.runId });
    return (await commit(deltaTable, run, { group, added, snapshot }))
      ? { files: group.files.length, bytes: group.bytes, writtenBytes: added.size }
      : NOTHING;
  } finally {
    await deps.own.remove(path);
  }
}

/** Uploads a merged file into the folder of the files that it replaces, and returns its `add` action. */
async function upload(
  table: DeltaTable,
  localFile: string,
  { files, partitionValues }: CompactionGroup,
  { stats, runId }: { readonly stats: string; readonly runId: string },
): Promise<AddFile> {
  const paths = files.map(({ path }) => path);
  // URI-encoded, as in the log.
  const partition = (paths[0] ?? '').replace(/[^/]*$/, '');
  const subject = shortHash(paths.join('\n'));
  const nameOf = (sha256: string): string =>
    `part-${subject}-${runId.slice(-8)}-${sha256.slice(0, 8)}.parquet`;
  const pathOf = (sha256: string): string => `${decodeURIComponent(partition)}${nameOf(sha256)}`;
  const stored = await table.upload(localFile, pathOf, runId);
  return {
    path: `${partition}${nameOf(stored.sha256)}`,
    partitionValues,
    size: stored.bytes,
    modificationTime: stored.modifiedAtMs,
    dataChange: false,
    stats,
    tags: { sha256: stored.sha256, [COMPACTED_TAG]: String(files.length) },
  };
}

/**
 * Commits a merged file; if it lost one of its inputs to another commit, or persons of its source were erased since, removes
 * it and returns false: an erasure deletes files that were uploaded before it.
 */
async function commit(
  table: DeltaTable,
  { execution: { workflowId, runId } }: RunContext,
  merged: Pick<PlannedGroup, 'group' | 'snapshot'> & { readonly added: AddFile },
): Promise<boolean> {
  const {
    added,
    group: { files, partitionValues },
    snapshot: { txns },
  } = merged;
  const info = { runId, workflowId, operationMetrics: { numRemovedFiles: String(files.length) } };
  const erasures = erasureAppId(partitionValues['source'] ?? '');
  const version = await table.replaceFiles({
    operation: 'OPTIMIZE',
    removed: files,
    added: [added],
    maxVersions: new Map([[erasures, txns.get(erasures) ?? 0n]]),
    info,
    scratch: runId,
  });
  if (version !== undefined) return true;
  const snapshot = await table.snapshot();
  if (snapshot?.files.has(added.path) !== true) await table.discard(decodeURIComponent(added.path));
  return false;
}
