import type { Action } from './actions.ts';
import type { LogEntry } from './history.ts';
import { ENGINE, isOwnEntry } from './rewrites.ts';

/** The files that hold the rows of earlier files, or why that cannot be told. */
export type FollowedFiles = { readonly files: ReadonlySet<string> } | { readonly changed: string };

/**
 * Follows the rows of files through later entries of the log. Landings add other files; a rewrite (dataChange=false) of
 * these files alone moves their rows, and one of other files, by this program, which proves it, does not concern them.
 * Any other entry may mix their rows with others.
 * @param paths The live files before the entries.
 * @param entries In order, without gaps.
 * @returns The paths of the files that hold exactly their rows; or the entry after which there are none.
 */
export function followFiles(paths: Iterable<string>, entries: readonly LogEntry[]): FollowedFiles {
  const files = new Set(paths);
  for (const { version, info, actions } of entries) {
    const removed = actions.flatMap(({ remove }) => (remove ? [remove.path] : []));
    const added = actions.flatMap(({ add }) => (add ? [add.path] : []));
    if (isOwnEntry(actions) && removed.length === 0 && isNeutral(info['operation'])) continue;
    const own = removed.filter((path) => files.has(path)).length;
    const isOfThese = own > 0 && own === removed.length;
    const isOfOthers = own === 0 && info['engineInfo'] === ENGINE;
    const isFollowed = isRewrite(actions) && (isOfThese || isOfOthers);
    if (!isFollowed) {
      const operation = typeof info['operation'] === 'string' ? info['operation'] : 'without an operation';
      return { changed: `version ${version} (${operation})` };
    }
    if (!isOfThese) continue;
    for (const path of removed) files.delete(path);
    for (const path of added) files.add(path);
  }
  return { files };
}

/** Returns whether an operation of this program leaves all earlier rows as they are. */
function isNeutral(operation: unknown): boolean {
  return operation === 'WRITE' || operation === 'ADD COLUMNS';
}

/** Returns whether an entry replaces files by others with the same rows, and does nothing else. */
function isRewrite(actions: readonly Action[]): boolean {
  return actions.every(
    ({ add, remove, metaData, protocol, txn }) =>
      !metaData && !protocol && !txn && add?.dataChange !== true && (!remove || remove.dataChange === false),
  );
}
