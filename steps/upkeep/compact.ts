import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AddFile } from '../../adapters/delta/actions.ts';
import { targetFileSizeOf } from '../../adapters/delta/properties.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { hasLoggedHash, hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { HdfsError } from '../../adapters/hdfs/webhdfs.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { Table } from '../../tables/table.ts';
import type { RunContext } from '../run-context.ts';
import { shortHash } from '../transform/table-files.ts';
import type { UpkeepDeps, UpkeepLimits } from './deps.ts';
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
const MAX_CONCURRENT_DOWNLOADS = 4;

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
  const [group, ...others] = await compactionGroups(deps, table);
  if (group === undefined) return { ...NOTHING, groupsLeft: 0 };
  return { ...(await compactGroup(deps, run, table, group)), groupsLeft: others.length };
}

async function compactGroup(
  { warehouse, staging, own }: UpkeepDeps,
  run: RunContext,
  table: Table,
  group: CompactionGroup,
): Promise<Compaction> {
  const deltaTable = warehouse.table(table.name);
  const subject = createHash('sha256')
    .update(group.files.map(({ path }) => path).join('\n'))
    .digest('hex');
  // The files, the merged file, and what DuckDB spills of it.
  await staging.reserve(group.bytes * 3);
  const path = await own.makeFreshFolder(`compact/${table.name}`);
  const folder = await own.locate(path);
  try {
    const inputs = await download(deltaTable, group.files, folder, run.signal);
    const output = join(folder, 'merged.parquet');
    const merged = await mergeFiles({ table, inputs, output, temporaryFolder: folder });
    run.signal.throwIfAborted();
    const scratch = run.execution.runId;
    const [first] = group.files;
    const partition = first === undefined ? '' : first.path.slice(0, first.path.lastIndexOf('/') + 1);
    const stored = await deltaTable.upload(
      output,
      (sha256) => `${decodeURIComponent(partition)}${fileName(subject, scratch, sha256)}`,
      scratch,
    );
    const added: AddFile = {
      path: `${partition}${stored.path.slice(stored.path.lastIndexOf('/') + 1)}`,
      partitionValues: group.partitionValues,
      size: stored.bytes,
      modificationTime: stored.modifiedAtMs,
      dataChange: false,
      stats: merged.stats,
      tags: { sha256: stored.sha256, [COMPACTED_TAG]: String(group.files.length) },
    };
    const { workflowId, runId } = run.execution;
    const info = { runId, workflowId, operationMetrics: { numRemovedFiles: String(group.files.length) } };
    const version = await deltaTable.replaceFiles({ removed: group.files, added: [added], info, scratch });
    if (version === undefined) {
      await discardUnlessLive(deltaTable, added);
      return NOTHING;
    }
    return { files: group.files.length, bytes: group.bytes, writtenBytes: stored.bytes };
  } finally {
    await own.remove(path);
  }
}

/** Names a merged file after its inputs, its run and its SHA-256, as a landed file is named after its batch. */
function fileName(subject: string, scratch: string, sha256: string): string {
  return `part-${shortHash(subject)}-${scratch.slice(-8)}-${sha256.slice(0, 8)}.parquet`;
}

/** Downloads files, and verifies the SHA-256 of those that have one in the log. Returns the local paths, in order. */
async function download(
  { path, hdfs }: DeltaTable,
  files: readonly AddFile[],
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const numbered = files.map((file, index) => ({ file, local: join(folder, `${index}.parquet`) }));
  return mapConcurrent(MAX_CONCURRENT_DOWNLOADS, numbered, async ({ file, local }) => {
    signal.throwIfAborted();
    const remote = hdfsPathOf(path, file);
    await hdfs.download(remote, local, file.size);
    if (!(await hasLoggedHash(file, local)))
      throw new HdfsError('HDFS_DAMAGED', `${remote} does not match the SHA-256 in its table's log`);
    return local;
  });
}

/** Removes a file that was uploaded but not committed, unless an earlier attempt committed it. */
async function discardUnlessLive(table: DeltaTable, { path }: AddFile): Promise<void> {
  const snapshot = await table.snapshot();
  if (snapshot?.files.has(path) !== true) await table.discard(decodeURIComponent(path));
}
