import { join } from 'node:path';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { FileStatus } from '../../adapters/hdfs/webhdfs.ts';
import type { StartedErasure, TableErasure } from '../../model/erasure.ts';
import { deliveries } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { searchedAppId } from '../landing/transaction-ids.ts';
import type { RunContext } from '../run-context.ts';
import { writerOf } from '../data-file-name.ts';
import { COMPACTED_TAG } from '../upkeep/plan-compaction.ts';
import { commitReplacement, uploadReplacing } from '../upkeep/replace-files.ts';
import { listDataFiles, listTemporaryFolders } from '../upkeep/vacuum.ts';
import { eraseInfo, type ErasureDeps } from './deps.ts';
import { ErasedRows } from './erased-rows.ts';
import { countErasedRows, rewriteFile } from './rewrite-file.ts';
import { SuppressionList } from './suppression-list.ts';
import { liveFilesOf, remoteFile, withDownloadedFile } from './table-files.ts';

/** A live file with the one that replaces it; undefined if no row is left. */
interface Replacement {
  readonly removed: AddFile;
  readonly added: PendingFile | undefined;
  readonly rows: number;
}

/** The erasure from one table. */
interface Target {
  readonly table: Table;
  readonly deltaTable: DeltaTable;
  readonly erasure: StartedErasure;
  readonly erased: ErasedRows;
  /** Since when the persons are on the suppression list, in milliseconds since 1970. */
  readonly suppressedAtMs: number;
}

/**
 * Removes the rows of all erased messages from a table: writes the files that hold them again, commits these as one entry,
 * and at once deletes every other file that holds such rows, whichever older version has it. Idempotent.
 * @throws {PipelineError} UPKEEP_MISMATCH, TABLE_REWRITTEN, STAGING_FULL, HDFS_DAMAGED, an error of HDFS or of the log
 */
export async function eraseTable(
  deps: ErasureDeps,
  run: RunContext,
  { table, erasure }: Pick<Target, 'table' | 'erasure'>,
): Promise<TableErasure> {
  const deltaTable = deps.warehouse.table(table.name);
  const txns = (await deps.warehouse.table(deliveries.name).head())?.txns ?? new Map<string, bigint>();
  const suppressedAtMs = await new SuppressionList(deps.warehouse).timeOf(erasure.source, erasure.number);
  const target = { table, deltaTable, erasure, erased: new ErasedRows(txns), suppressedAtMs };
  const sum = { table: table.name, rows: 0, files: 0, writtenBytes: 0, deletedFiles: 0 };
  if ((await deltaTable.head()) === undefined || target.erased.isEmpty) return sum;
  // A rebuild that is about to commit rows of older deliveries loses its race to this entry, and is planned again.
  const searched = new Map([[searchedAppId(erasure.source), BigInt(erasure.number)]]);
  await deltaTable.raiseVersions(searched, eraseInfo(run, erasure.source), run.execution.runId);
  const clean = new Set<string>();
  for (;;) {
    const replacements = await rewriteFiles(deps, run, target, clean);
    if (replacements.length === 0) break;
    // A file of the commit was replaced meanwhile, so look at the files again.
    if (!(await commit(run, target, replacements))) continue;
    for (const { rows, added } of replacements) {
      sum.rows += rows;
      sum.files += 1;
      sum.writtenBytes += added?.add.size ?? 0;
    }
  }
  sum.deletedFiles = await deleteOldFiles(deps, run, target);
  return sum;
}

/** @param clean The paths of files that are known to have no erased rows; updated. */
async function rewriteFiles(
  deps: ErasureDeps,
  run: RunContext,
  { table, deltaTable, erasure: { source }, erased }: Target,
  clean: Set<string>,
): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const removed of await liveFilesOf(deltaTable, source)) {
    if (clean.has(removed.path) || !erased.mayBeIn(removed.stats)) continue;
    const file = remoteFile(deltaTable, removed);
    await withDownloadedFile(deps, run, { table: deltaTable, file }, async (input, temporaryFolder) => {
      const output = join(temporaryFolder, 'kept.parquet');
      const { removed: rows, written } = await rewriteFile({ table, input, output, temporaryFolder, erased });
      if (rows === 0) {
        clean.add(removed.path);
        return;
      }
      const added =
        written &&
        (await uploadReplacing(
          deltaTable,
          { local: output, replaced: [removed], stats: written.stats, tags: compactedTagOf(removed) },
          run.execution.runId,
        ));
      if (added !== undefined) clean.add(added.add.path);
      replacements.push({ removed, added, rows });
    });
  }
  return replacements;
}

/** Returns the tag of a file that compaction made, so that its replacement counts as one too. */
function compactedTagOf({ tags }: AddFile): Record<string, string> {
  const compacted = tags?.[COMPACTED_TAG];
  return typeof compacted === 'string' ? { [COMPACTED_TAG]: compacted } : {};
}

/** Commits replaced files, unless another commit replaced one of them. */
function commit(
  run: RunContext,
  { deltaTable, erasure: { source } }: Target,
  replacements: readonly Replacement[],
): Promise<boolean> {
  const added = replacements.flatMap((one) => one.added ?? []);
  const rows = replacements.reduce((sum, one) => sum + one.rows, 0);
  return commitReplacement(deltaTable, {
    removed: replacements.map(({ removed }) => removed),
    added,
    maxVersions: new Map(),
    operation: 'ERASE',
    info: {
      ...eraseInfo(run, source),
      operationMetrics: {
        numRemovedFiles: String(replacements.length),
        numAddedFiles: String(added.length),
        numDeletedRows: String(rows),
      },
    },
    scratch: run.execution.runId,
  });
}

/**
 * Deletes the files of the source that are not live and hold erased rows. Files that this program uploaded before the
 * persons were suppressed and no entry names are deleted without a look: they can no longer be committed.
 * @returns The number of deleted files.
 */
async function deleteOldFiles(deps: ErasureDeps, run: RunContext, target: Target): Promise<number> {
  const { deltaTable, erasure, erased, suppressedAtMs } = target;
  // In this order: a file that is moved to its path is in one of the lists, and one that is committed is in the snapshot.
  const temporary = await listTemporaryFolders(deltaTable.hdfs, deltaTable.path);
  const found = await listDataFiles(deltaTable.hdfs, deltaTable.path);
  const snapshot = await deltaTable.snapshot();
  if (snapshot === undefined) return 0;
  const pathsOf = (files: Iterable<Pick<AddFile, 'path'>>): Set<string> =>
    new Set([...files].map((file) => hdfsPathOf(deltaTable.path, file)));
  const live = pathsOf(snapshot.files.values());
  const tombstones = pathsOf(snapshot.removed.values());
  const isOrphan = ({ path, name, modifiedAtMs }: FileStatus): boolean =>
    !tombstones.has(path) && writerOf(name) !== undefined && modifiedAtMs <= suppressedAtMs;
  const uncommitted = temporary
    .flatMap(({ files }) => files)
    .filter(({ path, modifiedAtMs }) => isOfSource(path, erasure.source) && modifiedAtMs <= suppressedAtMs);
  for (const { path } of uncommitted) await deltaTable.hdfs.delete(path);
  let deleted = uncommitted.length;
  for (const file of found.filter(({ path }) => isOfSource(path, erasure.source) && !live.has(path))) {
    const remote = { path: file.path, bytes: file.length };
    const holdsRows =
      isOrphan(file) ||
      (await withDownloadedFile(
        deps,
        run,
        { table: deltaTable, file: remote },
        async (input, temporaryFolder) => (await countErasedRows(input, { temporaryFolder, erased })) > 0,
      ));
    if (!holdsRows) continue;
    await deltaTable.hdfs.delete(file.path);
    deleted += 1;
  }
  return deleted;
}

function isOfSource(path: string, source: string): boolean {
  return path.includes(`/source=${source}/`);
}
