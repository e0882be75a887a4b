import { readHistory, type LogEntry } from '../../adapters/delta/history.ts';
import { hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { FileStatus, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/**
 * The data files in a table's folder that no entry of its log names: nobody reads them.
 * @param entries What was read of the log before; what came since is read when the folder has been.
 */
export async function strayFilesOf(
  hdfs: WebHdfs,
  tablePath: string,
  entries: readonly LogEntry[],
): Promise<FileStatus[]> {
  const found = await dataFilesIn(hdfs, tablePath);
  const newer = await readHistory(hdfs, tablePath, { after: entries.at(-1)?.version ?? -1 });
  const named = [...entries, ...newer].flatMap(({ added }) => added);
  const known = new Set(named.map((file) => hdfsPathOf(tablePath, file)));
  return found.filter(({ path }) => !known.has(path));
}

/** Names that begin with "_" or "." hold no data, by the convention of all readers. */
async function dataFilesIn(hdfs: WebHdfs, folder: string): Promise<FileStatus[]> {
  const found: FileStatus[] = [];
  for (const entry of await hdfs.list(folder)) {
    if (/^[_.]/.test(entry.name)) continue;
    if (entry.type === 'FILE') found.push(entry);
    else found.push(...(await dataFilesIn(hdfs, entry.path)));
  }
  return found;
}
