import { fileRetentionOf } from '../../adapters/delta/properties.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { FileStatus, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { Table } from '../../tables/table.ts';
import { runSuffix, writerOf } from '../data-file-name.ts';
import type { Deletion } from './clean-log.ts';
import type { UpkeepDeps } from './deps.ts';

type VacuumDeps = Pick<UpkeepDeps, 'warehouse' | 'limits' | 'openRunIds'>;

const MAX_CONCURRENT_DELETIONS = 4;

/** Names that begin with these are not data files, by convention of Hadoop. */
const HIDDEN = /^[_.]/;

/**
 * Returns the data files of a table that can be deleted: not live, neither changed nor removed from the table within the
 * retention, and not uploaded by a run that has not ended, which can still commit them. Read-only.
 */
export async function expiredDataFiles(deps: VacuumDeps, table: Table): Promise<FileStatus[]> {
  const { warehouse, limits, openRunIds } = deps;
  const deltaTable = warehouse.table(table.name);
  if ((await deltaTable.head()) === undefined) return [];
  // In this order: a file that is committed, or whose run ends, after the listing is live in the snapshot.
  const openRuns = new Set([...(await openRunIds())].map(runSuffix));
  const found = await listDataFiles(deltaTable.hdfs, deltaTable.path);
  const snapshot = await deltaTable.snapshot();
  if (snapshot === undefined) return [];
  const sinceMs = warehouse.nowMs() - fileRetentionOf(snapshot.metadata, limits.fileRetentionMs);
  const needed = neededFiles(deltaTable.path, snapshot, sinceMs);
  return found.filter(
    ({ path, name, modifiedAtMs }) =>
      modifiedAtMs < sinceMs && !needed.has(path) && !openRuns.has(writerOf(name) ?? ''),
  );
}

/** Deletes the files that {@link expiredDataFiles} returns. Idempotent. */
export async function vacuum(deps: VacuumDeps, table: Table): Promise<Deletion> {
  const expired = await expiredDataFiles(deps, table);
  const { hdfs } = deps.warehouse.table(table.name);
  await mapConcurrent(MAX_CONCURRENT_DELETIONS, expired, ({ path }) => hdfs.delete(path));
  return { files: expired.length, bytes: expired.reduce((sum, { length }) => sum + length, 0) };
}

/** Returns the paths of the live files and of those that were removed within the retention. */
function neededFiles(table: string, { files, removed }: Snapshot, sinceMs: number): ReadonlySet<string> {
  const kept = [...removed.values()].filter(({ deletionTimestamp }) => (deletionTimestamp ?? 0) >= sinceMs);
  return new Set([...files.values(), ...kept].map((file) => hdfsPathOf(table, file)));
}

/** Lists the data files of a table recursively. */
export async function listDataFiles(hdfs: WebHdfs, folder: string): Promise<FileStatus[]> {
  const found: FileStatus[] = [];
  for (const entry of await hdfs.list(folder)) {
    if (HIDDEN.test(entry.name)) continue;
    if (entry.type === 'FILE') found.push(entry);
    else found.push(...(await listDataFiles(hdfs, entry.path)));
  }
  return found;
}
