import { randomUUID } from 'node:crypto';
import type { Action, AddFile } from './actions.ts';
import { ENGINE } from './rewrites.ts';
import type { Snapshot } from './snapshot.ts';

/** Live files to replace by others with the same rows. */
export interface FileReplacement {
  readonly removed: readonly AddFile[];
  readonly added: readonly AddFile[];
  /** Additional fields of `commitInfo`, for people. */
  readonly info: Readonly<Record<string, unknown>>;
  /** The folder under `_scratch` for temporary files. */
  readonly scratch: string;
}

/** Returns whether all files are live, unchanged. */
export function areLive(files: readonly AddFile[], snapshot: Snapshot): boolean {
  return files.every(({ path, size }) => snapshot.files.get(path)?.size === size);
}

/** Returns the actions of the entry, with Delta's operation for a compaction. */
export function replaceActions({ removed, added, info }: FileReplacement, nowMs: number): Action[] {
  const commitInfo = {
    timestamp: nowMs,
    operation: 'OPTIMIZE',
    engineInfo: ENGINE,
    commitId: randomUUID(),
    ...info,
  };
  return [
    { commitInfo },
    ...removed.map(({ path, partitionValues, size }) => ({
      remove: {
        path,
        deletionTimestamp: nowMs,
        dataChange: false,
        extendedFileMetadata: true,
        partitionValues,
        size,
      },
    })),
    ...added.map((add) => ({ add: { ...add, dataChange: false } })),
  ];
}
