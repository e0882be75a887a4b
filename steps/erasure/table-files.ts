import { join } from 'node:path';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { downloadDataFile, hdfsPathOf } from '../../adapters/delta/table-cache.ts';
import type { RunContext } from '../run-context.ts';
import type { ErasureDeps } from './deps.ts';

/** A file of a table, as the log or a listing of HDFS has it. */
export interface RemoteFile {
  /** Absolute, in HDFS. */
  readonly path: string;
  readonly bytes: number;
  /** The entry of the log, if it has a SHA-256 to verify. */
  readonly entry?: AddFile;
}

/** Staged disk space per file, as a multiple of its bytes: the copy, its replacement, and data that DuckDB spills. */
const DISK_SPACE_RATIO = 3;

/** Returns the live files of a source in a table. */
export async function liveFilesOf(table: DeltaTable, source: string): Promise<AddFile[]> {
  const files = (await table.snapshot())?.files.values() ?? [];
  return [...files].filter(({ partitionValues }) => partitionValues['source'] === source);
}

/** Returns a live file as a {@link RemoteFile}. */
export function remoteFile({ path }: Pick<DeltaTable, 'path'>, entry: AddFile): RemoteFile {
  return { path: hdfsPathOf(path, entry), bytes: entry.size, entry };
}

/**
 * Downloads a file into a folder of its own, and removes it after its use: so one file at a time is on the disk.
 * @param use Gets absolute paths.
 * @throws {PipelineError} STAGING_FULL, HDFS_DAMAGED
 */
export async function withDownloadedFile<T>(
  { staging, own }: Pick<ErasureDeps, 'staging' | 'own'>,
  run: RunContext,
  { table: { hdfs }, file }: { readonly table: Pick<DeltaTable, 'hdfs'>; readonly file: RemoteFile },
  use: (local: string, folder: string) => Promise<T>,
): Promise<T> {
  run.signal.throwIfAborted();
  await staging.reserve(file.bytes * DISK_SPACE_RATIO);
  const path = await own.makeFreshFolder('erase');
  try {
    const folder = await own.locate(path);
    const local = join(folder, 'file.parquet');
    if (file.entry === undefined) await hdfs.download(file.path, local, file.bytes);
    else await downloadDataFile(hdfs, file.path, file.entry, local);
    return await use(local, folder);
  } finally {
    await own.remove(path);
  }
}
