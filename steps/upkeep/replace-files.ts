import type { AddFile } from '../../adapters/delta/actions.ts';
import type { FileReplacement } from '../../adapters/delta/replacement.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import { dataFileName } from '../data-file-name.ts';

/** A local file that replaces live files. */
export interface ReplacingFile {
  /** Absolute. */
  readonly local: string;
  /** The files that it replaces, of one partition. */
  readonly replaced: readonly AddFile[];
  /** The statistics of its rows, as in the log. */
  readonly stats: string;
  /** Tags beside the SHA-256. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Uploads a file into the folder of the files that it replaces, and returns its `add` action. */
export async function uploadReplacing(
  table: DeltaTable,
  { local, replaced, stats, tags }: ReplacingFile,
  runId: string,
): Promise<AddFile> {
  const paths = replaced.map(({ path }) => path);
  // URI-encoded, as in the log.
  const folder = (paths[0] ?? '').replace(/[^/]*$/, '');
  const nameOf = (sha256: string): string => dataFileName(paths.join('\n'), runId, sha256);
  const pathOf = (sha256: string): string => `${decodeURIComponent(folder)}${nameOf(sha256)}`;
  const stored = await table.upload(local, pathOf, runId);
  return {
    path: `${folder}${nameOf(stored.sha256)}`,
    partitionValues: replaced[0]?.partitionValues ?? {},
    size: stored.bytes,
    modificationTime: stored.modifiedAtMs,
    // The commit decides.
    dataChange: false,
    stats,
    tags: { sha256: stored.sha256, ...tags },
  };
}

/**
 * Commits replaced files. If the commit is overtaken, as `DeltaTable.replaceFiles` says, deletes the new files.
 * @returns Whether they were committed.
 */
export async function commitReplacement(table: DeltaTable, replacement: FileReplacement): Promise<boolean> {
  if ((await table.replaceFiles(replacement)) !== undefined) return true;
  const live = (await table.snapshot())?.files;
  for (const { path } of replacement.added)
    if (live?.has(path) !== true) await table.discard(decodeURIComponent(path));
  return false;
}
