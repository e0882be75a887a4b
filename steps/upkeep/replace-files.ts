import { dirname } from 'node:path/posix';
import type { AddFile } from '../../adapters/delta/actions.ts';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
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

/** Uploads a file for the folder of the files that it replaces. */
export async function uploadReplacing(
  table: DeltaTable,
  { local, replaced, stats, tags }: ReplacingFile,
  runId: string,
): Promise<PendingFile> {
  const paths = replaced.map(({ path }) => path);
  return table.pending.upload(
    {
      local,
      folder: dirname(paths[0] ?? ''),
      nameOf: (sha256) => dataFileName(paths.join('\n'), runId, sha256),
      partitionValues: replaced[0]?.partitionValues ?? {},
      stats,
      tags,
    },
    runId,
  );
}

/**
 * Commits replaced files. If the commit is overtaken, as `DeltaTable.replaceFiles` says, deletes the new files.
 * @returns Whether they were committed.
 */
export async function commitReplacement(table: DeltaTable, replacement: FileReplacement): Promise<boolean> {
  if ((await table.replaceFiles(replacement)) !== undefined) return true;
  const live = (await table.snapshot())?.files;
  for (const file of replacement.added)
    if (live?.has(file.add.path) !== true) await table.pending.discard(file);
  return false;
}
