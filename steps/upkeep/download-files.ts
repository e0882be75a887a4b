import { join } from 'node:path';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { downloadDataFile, hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';

const MAX_CONCURRENT_DOWNLOADS = 4;

/**
 * Downloads data files, and verifies the SHA-256 of those that have one in the log.
 * @param folder An existing local folder, absolute.
 * @returns The local paths, in order.
 * @throws {HdfsError} HDFS_DAMAGED when a file is missing or differs from the log.
 */
export async function downloadFiles(
  { path, hdfs }: Pick<DeltaTable, 'path' | 'hdfs'>,
  files: readonly AddFile[],
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const numbered = files.map((file, index) => ({ file, local: join(folder, `${index}.parquet`) }));
  return mapConcurrent(MAX_CONCURRENT_DOWNLOADS, numbered, async ({ file, local }) => {
    signal.throwIfAborted();
    await downloadDataFile(hdfs, hdfsPathOf(path, file), file, local);
    return local;
  });
}
