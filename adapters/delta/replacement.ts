import { PipelineError } from '../../model/errors.ts';
import type { Action, AddFile } from './actions.ts';
import { commitInfo } from './entries.ts';
import type { PendingFile } from './pending-files.ts';
import type { Snapshot } from './snapshot.ts';

/** Live files to replace by others: with the same rows (OPTIMIZE), or without those of erased persons (ERASE). */
export interface FileReplacement {
  readonly operation: 'OPTIMIZE' | 'ERASE';
  readonly removed: readonly AddFile[];
  readonly added: readonly PendingFile[];
  /** See {@link laterVersion}: with a later version, nothing is committed. */
  readonly maxVersions: ReadonlyMap<string, bigint>;
  /** Additional fields of `commitInfo`, for people. */
  readonly info: Readonly<Record<string, unknown>>;
  /** The folder under `_scratch` for temporary files. */
  readonly scratch: string;
}

/** Returns whether all files are live, unchanged. */
export function areLive(files: readonly AddFile[], snapshot: Snapshot): boolean {
  return files.every(({ path, size }) => snapshot.files.get(path)?.size === size);
}

/**
 * Returns an application whose transaction is at a later version than files were written for; undefined if there is none.
 * @param maxVersions The version by application id; 0 stands for none.
 */
export function laterVersion(
  txns: ReadonlyMap<string, bigint>,
  maxVersions: ReadonlyMap<string, bigint>,
): string | undefined {
  return [...maxVersions].find(([appId, version]) => (txns.get(appId) ?? 0n) > version)?.[0];
}

/**
 * Makes sure that files are committed only for the versions that they were written for.
 * @param path The table's, for messages.
 * @throws {PipelineError} STAGING_LOST when an application is past its maximum version.
 */
export function requireCurrent(
  path: string,
  txns: ReadonlyMap<string, bigint>,
  maxVersions: ReadonlyMap<string, bigint> = new Map(),
): void {
  const appId = laterVersion(txns, maxVersions);
  if (appId === undefined) return;
  throw new PipelineError(
    'STAGING_LOST',
    `${path}: ${appId} is at version ${txns.get(appId) ?? 0n}, but the files were written for version ` +
      `${maxVersions.get(appId) ?? 0n}; they are written again`,
  );
}

/** Returns the actions of the entry, with Delta's operation for a compaction. */
export function replaceActions(
  {
    operation,
    removed,
    added,
    info,
  }: Omit<FileReplacement, 'added'> & { readonly added: readonly AddFile[] },
  nowMs: number,
): Action[] {
  const dataChange = operation !== 'OPTIMIZE';
  return [
    commitInfo({ operation, ...info }, nowMs),
    ...removeActions(removed, { nowMs, dataChange }),
    ...added.map((add) => ({ add: { ...add, dataChange } })),
  ];
}

/**
 * Returns the actions that remove live files.
 * @param options.dataChange Whether the entry changes rows.
 */
export function removeActions(
  files: readonly AddFile[],
  { nowMs, dataChange }: { readonly nowMs: number; readonly dataChange: boolean },
): Action[] {
  return files.map(({ path, partitionValues, size }) => ({
    remove: {
      path,
      deletionTimestamp: nowMs,
      dataChange,
      extendedFileMetadata: true,
      partitionValues,
      size,
    },
  }));
}
