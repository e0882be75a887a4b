import { scratchRoot } from '../../adapters/delta/log-paths.ts';
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
const MAX_CONCURRENT_LISTS = 4;

/** Names that begin with these are not data files, by convention of Hadoop. */
const HIDDEN = /^[_.]/;

/** A file, or a folder with the bytes of its files. */
type ExpiredPath = Pick<FileStatus, 'path' | 'length'>;

/**
 * Returns the data files of a table that can be deleted: not live, neither changed nor removed from the table within the
 * retention, and not uploaded by a run that has not ended, which can still commit them; and the folders of temporary
 * files of runs that ended without a clean-up. Read-only.
 */
export async function expiredDataFiles(deps: VacuumDeps, table: Table): Promise<ExpiredPath[]> {
  const { warehouse, limits, openRunIds } = deps;
  const deltaTable = warehouse.table(table.name);
  if ((await deltaTable.head()) === undefined) return [];
  // In this order: a file that is committed, or whose run ends, after the listing is live in the snapshot.
  const openRuns = new Set([...(await openRunIds())].map(runSuffix));
  const found = await listDataFiles(deltaTable.hdfs, deltaTable.path);
  const temporary = await listTemporaryFolders(deltaTable.hdfs, deltaTable.path);
  const snapshot = await deltaTable.snapshot();
  if (snapshot === undefined) return [];
  const sinceMs = warehouse.nowMs() - fileRetentionOf(snapshot.metadata, limits.fileRetentionMs);
  const needed = neededFiles(deltaTable.path, snapshot, sinceMs);
  const expired = found.filter(
    ({ path, name, modifiedAtMs }) =>
      modifiedAtMs < sinceMs && !needed.has(path) && !openRuns.has(writerOf(name) ?? ''),
  );
  const ended = temporary.filter(
    ({ name, files, modifiedAtMs }) =>
      !openRuns.has(runSuffix(name)) &&
      [modifiedAtMs, ...files.map((file) => file.modifiedAtMs)].every((ms) => ms < sinceMs),
  );
  return [...expired, ...ended.map(({ path, files }) => ({ path, length: bytesOf(files) }))];
}

function bytesOf(files: readonly Pick<FileStatus, 'length'>[]): number {
  return files.reduce((sum, { length }) => sum + length, 0);
}

/** Deletes what {@link expiredDataFiles} returns. Idempotent. */
export async function vacuum(deps: VacuumDeps, table: Table): Promise<Deletion> {
  const expired = await expiredDataFiles(deps, table);
  const { hdfs } = deps.warehouse.table(table.name);
  await mapConcurrent(MAX_CONCURRENT_DELETIONS, expired, ({ path }) =>
    hdfs.delete(path, { recursive: true }),
  );
  return { files: expired.length, bytes: bytesOf(expired) };
}

/** Returns the paths of the live files and of those that were removed within the retention. */
function neededFiles(table: string, { files, removed }: Snapshot, sinceMs: number): ReadonlySet<string> {
  const kept = [...removed.values()].filter(({ deletionTimestamp }) => (deletionTimestamp ?? 0) >= sinceMs);
  return new Set([...files.values(), ...kept].map((file) => hdfsPathOf(table, file)));
}

/** Lists the data files of a table recursively. */
export async function listDataFiles(hdfs: WebHdfs, folder: string): Promise<FileStatus[]> {
  const found: FileStatus[] = [];
  for (const entry of await hdfs.listIfExists(folder)) {
    if (HIDDEN.test(entry.name)) continue;
    if (entry.type === 'FILE') found.push(entry);
    else found.push(...(await listDataFiles(hdfs, entry.path)));
  }
  return found;
}

/** The folder of a run's temporary files in a table. */
interface TemporaryFolder extends FileStatus {
  /** All files in it, among them the data files that are not committed yet. */
  readonly files: readonly FileStatus[];
}

/** Lists the folders of temporary files of a table, with their files. */
export async function listTemporaryFolders(hdfs: WebHdfs, tablePath: string): Promise<TemporaryFolder[]> {
  const runs = await hdfs.listIfExists(scratchRoot(tablePath));
  return mapConcurrent(MAX_CONCURRENT_LISTS, runs, async (run) => ({
    ...run,
    files: await listDataFiles(hdfs, run.path),
  }));
}
