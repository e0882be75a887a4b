import { readHistory, type LogEntry } from '../../adapters/delta/history.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { FileStatus, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/**
 * Returns the data files in a table's folder that are not in its log (orphans).
 * @param entries The log as read before; newer entries are read after the folder was listed.
 */
export async function strayFilesOf(
  hdfs: WebHdfs,
  tablePath: string,
  entries: readonly LogEntry[],
): Promise<FileStatus[]> {
  const found = await dataFilesIn(hdfs, tablePath);
  const newer = await readHistory(hdfs, tablePath, { after: entries.at(-1)?.version ?? -1 });
  const added = [...entries, ...newer].flatMap((entry) => entry.added);
  const known = new Set(added.map((file) => hdfsPathOf(tablePath, file)));
  return found.filter(({ path }) => !known.has(path));
}

/** Lists data files recursively; by convention, names that begin with "_" or "." are not data. */
async function dataFilesIn(hdfs: WebHdfs, folder: string): Promise<FileStatus[]> {
  const found: FileStatus[] = [];
  for (const entry of await hdfs.list(folder)) {
    if (/^[_.]/.test(entry.name)) continue;
    if (entry.type === 'FILE') found.push(entry);
    else found.push(...(await dataFilesIn(hdfs, entry.path)));
  }
  return found;
}
