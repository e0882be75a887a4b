import { dirname } from 'node:path';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';
import type { AddFile } from './actions.ts';
import { hdfsPathOf } from './table-cache.ts';

const MAX_CONCURRENT_LISTS = 8;

/**
 * Returns the length of each file in the folders of files, by its absolute path. Lists each folder once. Read-only.
 * @param tablePath The table's folder, absolute.
 */
export async function listLengths(
  hdfs: WebHdfs,
  tablePath: string,
  files: Iterable<Pick<AddFile, 'path'>>,
): Promise<ReadonlyMap<string, number>> {
  const folders = [...new Set([...files].map((file) => dirname(hdfsPathOf(tablePath, file))))];
  const found = await mapConcurrent(MAX_CONCURRENT_LISTS, folders, (folder) => hdfs.listIfExists(folder));
  return new Map(found.flat().map(({ path, length }) => [path, length]));
}

/**
 * Returns the paths, as in the log, of files that HDFS no longer has. Read-only.
 * @param tablePath The table's folder, absolute.
 */
export async function findMissingFiles(
  hdfs: WebHdfs,
  tablePath: string,
  files: Iterable<Pick<AddFile, 'path'>>,
): Promise<Set<string>> {
  const wanted = [...files];
  const lengths = await listLengths(hdfs, tablePath, wanted);
  const missing = wanted.filter((file) => !lengths.has(hdfsPathOf(tablePath, file)));
  return new Set(missing.map(({ path }) => path));
}
