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
  for (const entry of entries) {
    const { actions, info } = entry;
    const removed = actions.flatMap(({ remove }) => (remove ? [remove.path] : []));
    if (isAddition(entry, removed)) continue;
    const own = removed.filter((path) => files.has(path)).length;
    const isOfThese = own > 0 && own === removed.length;
    const isOfOthers = own === 0 && info['engineInfo'] === ENGINE;
    if (!isRewrite(actions) || !(isOfThese || isOfOthers)) return { changed: nameOf(entry) };
    if (!isOfThese) continue;
    for (const path of removed) files.delete(path);
    for (const { add } of actions) if (add) files.add(add.path);
  }
  return { files };
}

function nameOf({ version, info: { operation } }: LogEntry): string {
  return `version ${version} (${typeof operation === 'string' ? operation : 'without an operation'})`;
}

/** Returns whether an entry of this program only adds rows or columns. */
function isAddition({ actions, info }: LogEntry, removed: readonly string[]): boolean {
  const isNeutral = info['operation'] === 'WRITE' || info['operation'] === 'ADD COLUMNS';
  return isNeutral && removed.length === 0 && isOwnEntry(actions);
}

/** Returns whether an entry replaces files by others with the same rows, and does nothing else. */
function isRewrite(actions: readonly Action[]): boolean {
  return actions.every(
    ({ add, remove, metaData, protocol, txn }) =>
      !metaData && !protocol && !txn && add?.dataChange !== true && (!remove || remove.dataChange === false),
  );
}
