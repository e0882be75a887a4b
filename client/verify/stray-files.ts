import { readHistory, type LogEntry } from '../../adapters/delta/history.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { FileStatus, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { listDataFiles } from '../../steps/upkeep/vacuum.ts';

/** A table's log as it was read before its folder is listed. */
export interface ReadLog {
  readonly snapshot: Snapshot;
  /** The entries that the log still has, in order. */
  readonly entries: readonly LogEntry[];
}

/**
 * Returns the data files in a table's folder that are not in its log (orphans). Of entries that were cleaned up, the
 * snapshot still names the live files and the tombstones.
 */
export async function strayFilesOf(
  hdfs: WebHdfs,
  tablePath: string,
  { snapshot, entries }: ReadLog,
): Promise<FileStatus[]> {
  const found = await listDataFiles(hdfs, tablePath);
  const newer = await readHistory(hdfs, tablePath, { after: snapshot.version });
  const added = [...entries, ...newer].flatMap((entry) => entry.added);
  const named = [...added, ...snapshot.files.values(), ...snapshot.removed.values()];
  const known = new Set(named.map((file) => hdfsPathOf(tablePath, file)));
  return found.filter(({ path }) => !known.has(path));
}
