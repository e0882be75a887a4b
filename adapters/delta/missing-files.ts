import { dirname } from 'node:path';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';
import type { AddFile } from './actions.ts';
import { hdfsPathOf } from './table-cache.ts';

const MAX_CONCURRENT_LISTS = 8;

/**
 * Returns the paths, as in the log, of files that HDFS no longer has. Lists each folder once. Read-only.
 * @param tablePath The table's folder, absolute.
 */
export async function findMissingFiles(
  hdfs: WebHdfs,
  tablePath: string,
  files: Iterable<Pick<AddFile, 'path'>>,
): Promise<Set<string>> {
  const wanted = [...files].map(({ path }) => ({ path, file: hdfsPathOf(tablePath, { path }) }));
  const folders = [...new Set(wanted.map(({ file }) => dirname(file)))];
  const found = await mapConcurrent(MAX_CONCURRENT_LISTS, folders, async (folder) =>
    (await hdfs.status(folder)) === undefined ? [] : hdfs.list(folder),
  );
  const existing = new Set(found.flat().map(({ path }) => path));
  return new Set(wanted.filter(({ file }) => !existing.has(file)).map(({ path }) => path));
}
