import { join } from 'node:path';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { targetFileSizeOf } from '../../adapters/delta/properties.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import type { Table } from '../../tables/table.ts';
import type { RunContext } from '../run-context.ts';
import { erasureAppId } from '../landing/transaction-ids.ts';
import type { UpkeepDeps, UpkeepLimits } from './deps.ts';
import { downloadFiles } from './download-files.ts';
import { mergeFiles } from './merge-files.ts';
import { COMPACTED_TAG, planCompaction, type CompactionGroup } from './plan-compaction.ts';
import { commitReplacement, uploadReplacing } from './replace-files.ts';

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
  { warehouse, limits }: Pick<UpkeepDeps, 'warehouse' | 'limits'>,
  table: Table,
): Promise<CompactionGroup[]> {
  const snapshot = await warehouse.table(table.name).snapshot();
  return snapshot === undefined ? [] : compactionGroupsOf(snapshot, limits, warehouse.nowMs());
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
  const [group, ...others] = compactionGroupsOf(snapshot, deps.limits, deps.warehouse.nowMs());
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
    const tags = { [COMPACTED_TAG]: String(group.files.length) };
    const file = { local: output, replaced: group.files, stats, tags };
    const added = await uploadReplacing(deltaTable, file, run.execution.runId);
    return (await commit(deltaTable, run, { group, added, snapshot }))
      ? { files: group.files.length, bytes: group.bytes, writtenBytes: added.add.size }
      : NOTHING;
  } finally {
    await deps.own.remove(path);
  }
}

/**
 * Commits a merged file, unless one of its inputs was replaced, or persons of its source were erased since: an erasure
 * deletes files that were uploaded before it.
 */
function commit(
  table: DeltaTable,
  { execution: { workflowId, runId } }: RunContext,
  merged: Pick<PlannedGroup, 'group' | 'snapshot'> & { readonly added: PendingFile },
): Promise<boolean> {
  const {
    added,
    group: { files, partitionValues },
    snapshot: { txns },
  } = merged;
  const erasures = erasureAppId(partitionValues['source'] ?? '');
  return commitReplacement(table, {
    operation: 'OPTIMIZE',
    removed: files,
    added: [added],
    maxVersions: new Map([[erasures, txns.get(erasures) ?? 0n]]),
    info: { runId, workflowId, operationMetrics: { numRemovedFiles: String(files.length) } },
    scratch: runId,
  });
}
