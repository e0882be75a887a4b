import type { AddFile } from '../../adapters/delta-actions.ts';
import { hdfsPathOf } from '../../adapters/table-cache.ts';
import type { FileStatus, WebHdfs } from '../../adapters/webhdfs.ts';

/** The data files in a table's folder that no entry of its log names: nobody reads them. */
export async function straysOf(
  hdfs: WebHdfs,
  tablePath: string,
  named: Iterable<AddFile>,
): Promise<FileStatus[]> {
  const known = new Set([...named].map((file) => hdfsPathOf(tablePath, file)));
  return (await dataFilesIn(hdfs, tablePath)).filter(({ path }) => !known.has(path));
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
