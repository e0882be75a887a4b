import type { AddFile } from '../../adapters/delta/actions.ts';
import type { LogEntry } from '../../adapters/delta/history.ts';
import { findMissingFiles } from '../../adapters/delta/missing-files.ts';
import { increasingTimes } from '../../adapters/delta/version-times.ts';
import { TableVersions } from '../../adapters/delta/versions.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { rowCountOf } from '../query/live-tables.ts';

/** Whether a version can be read: `log-cleaned` and `files-gone` say why not. */
export type Readability = 'readable' | 'log-cleaned' | 'files-gone';

/** One version of a table, by its log entry. Null for what the entry does not have. */
export interface VersionState {
  readonly version: number;
  /** The time that `query --as-of` compares with: UTC, ISO 8601 with milliseconds. */
  readonly time: string;
  readonly operation: string | null;
  readonly engine: string | null;
  readonly workflowId: string | null;
  readonly runId: string | null;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  /** Null if a file has no row count in the log. */
  readonly rowsAdded: number | null;
  readonly rowsRemoved: number | null;
  readonly readable: boolean;
  readonly status: Readability;
}

/** The newest versions of a table. */
export interface TableHistory {
  /** Newest first. */
  readonly versions: readonly VersionState[];
  /** Versions whose entries the log still has, including those that are not in {@link versions}. */
  readonly inLog: number;
}

/** The files that an entry adds and removes; a removed file is null if it is not known which rows it had. */
interface Change {
  readonly entry: LogEntry;
  readonly added: readonly AddFile[];
  /** The added files that were not live before. */
  readonly created: readonly AddFile[];
  readonly removed: ReadonlyMap<string, AddFile | null>;
}

/**
 * Reads the newest versions of a table. Read-only.
 * @param limit The maximum number of versions.
 * @throws {PipelineError} VERSION_UNKNOWN when the table does not exist; TABLE_LOG_INVALID
 * @throws {HdfsError}
 */
export async function readTableHistory(
  warehouse: Warehouse,
  name: string,
  limit: number,
): Promise<TableHistory> {
  const { hdfs } = warehouse.options;
  const log = await TableVersions.list(hdfs, warehouse.table(name).path);
  const withEntry = log.withEntry;
  const entries = await log.readEntries(withEntry.slice(-limit));
  const changes = await changesOf(log, entries);
  const removed = new Set(changes.flatMap((change) => [...change.removed.keys()]));
  const missing = await findMissingFiles(
    hdfs,
    log.path,
    [...removed].map((path) => ({ path })),
  );
  const withMissing = versionsWithFiles(changes, missing);
  const times = increasingTimes(entries.map((entry) => log.timeOf(entry)));
  const versions = changes.map((change, index) => {
    const { version } = change.entry;
    const status = !log.isInLog(version)
      ? 'log-cleaned'
      : withMissing.has(version)
        ? 'files-gone'
        : 'readable';
    return stateOf(change, times[index] ?? NaN, status);
  });
  return { versions: versions.reverse(), inLog: withEntry.length };
}

/** Returns the changes of entries in ascending order, with the files that were live before each. */
async function changesOf(log: TableVersions, entries: readonly LogEntry[]): Promise<Change[]> {
  const first = entries[0]?.version ?? 0;
  let live = await filesAt(log, first - 1);
  const changes: Change[] = [];
  for (const entry of entries) {
    const removes = entry.actions.flatMap(({ remove }) => (remove ? [remove.path] : []));
    const known = live;
    changes.push({
      entry,
      added: entry.added,
      created: entry.added.filter(({ path }) => known?.has(path) !== true),
      removed: new Map(removes.map((path) => [path, known?.get(path) ?? null])),
    });
    if (live === undefined) live = await filesAt(log, entry.version);
    else {
      for (const path of removes) live.delete(path);
      for (const add of entry.added) live.set(add.path, add);
    }
  }
  return changes;
}

/** Returns the live files of a version; undefined if the log no longer has it. */
async function filesAt(log: TableVersions, version: number): Promise<Map<string, AddFile> | undefined> {
  if (version < 0) return new Map();
  return log.isInLog(version) ? new Map((await log.snapshotAt(version)).files) : undefined;
}

/**
 * Returns the versions in which any of the files is live.
 * @param changes In ascending order.
 * @param files Files that one of the changes removes.
 */
function versionsWithFiles(changes: readonly Change[], files: ReadonlySet<string>): Set<number> {
  const found = new Set<number>();
  // From the newest version, whose live files were not removed, to the oldest.
  const live = new Set<string>();
  for (const { entry, created, removed } of changes.toReversed()) {
    if (live.size > 0) found.add(entry.version);
    for (const { path } of created) live.delete(path);
    for (const path of removed.keys()) if (files.has(path)) live.add(path);
  }
  return found;
}

function stateOf(
  { entry: { version, info }, added, removed }: Change,
  timeMs: number,
  status: Readability,
): VersionState {
  return {
    version,
    time: new Date(timeMs).toISOString(),
    operation: textOf(info['operation']),
    engine: textOf(info['engineInfo']),
    workflowId: textOf(info['workflowId']),
    runId: textOf(info['runId']),
    filesAdded: added.length,
    filesRemoved: removed.size,
    rowsAdded: sumRows(added),
    rowsRemoved: sumRows(removed.values()),
    readable: status === 'readable',
    status,
  };
}

function sumRows(files: Iterable<AddFile | null>): number | null {
  let sum = 0;
  for (const file of files) {
    const rows = file === null ? undefined : rowCountOf(file);
    if (rows === undefined) return null;
    sum += rows;
  }
  return sum;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
