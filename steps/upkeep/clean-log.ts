import { listLogFiles, type LogFile } from '../../adapters/delta/log-files.ts';
import { logRetentionOf } from '../../adapters/delta/properties.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { Table } from '../../tables/table.ts';
import type { UpkeepDeps } from './deps.ts';

/** Files that were deleted, or would be. */
export interface Deletion {
  readonly files: number;
  readonly bytes: number;
}

type CleanDeps = Pick<UpkeepDeps, 'warehouse' | 'limits'>;

const MAX_CONCURRENT_DELETIONS = 4;
const DAY_MS = 86_400_000;

/**
 * Returns the files of a table's log that no kept version needs, oldest first, by Delta's own rule: the newest
 * checkpoint that is older than the retention, and all after it, stay. The cutoff is rounded down to the UTC day.
 * Read-only.
 */
export async function expiredLogFiles(deps: CleanDeps, table: Table): Promise<LogFile[]> {
  const { warehouse, limits } = deps;
  const deltaTable = warehouse.table(table.name);
  const head = await deltaTable.head();
  if (head === undefined) return [];
  const retentionMs = logRetentionOf(head.metadata, limits.logRetentionMs);
  if (retentionMs === undefined) return [];
  const cutoffMs = warehouse.nowMs() - retentionMs;
  return expiredBefore(await listLogFiles(deltaTable.hdfs, deltaTable.path), cutoffMs);
}

/**
 * Selects the files to delete.
 * @param files All files of the log.
 * @param cutoffMs Milliseconds since 1970.
 */
export function expiredBefore(files: readonly LogFile[], cutoffMs: number): LogFile[] {
  const day = Math.floor(cutoffMs / DAY_MS) * DAY_MS;
  const kept = files.findLast(
    ({ kind, isWhole, modifiedAtMs }) => kind === 'checkpoint' && isWhole && modifiedAtMs < day,
  );
  if (kept === undefined) return [];
  // The entry of the checkpoint's own version stays: Spark reads its time.
  return files.filter(({ version, modifiedAtMs }) => version < kept.version && modifiedAtMs < day);
}

/**
 * Deletes the files that {@link expiredLogFiles} returns. Killed in between, it leaves a log that every reader can read:
 * `_last_checkpoint` points to a kept checkpoint before the first deletion.
 */
export async function cleanLog(deps: CleanDeps, table: Table, scratch: string): Promise<Deletion> {
  const expired = await expiredLogFiles(deps, table);
  const last = expired.at(-1);
  if (last === undefined) return { files: 0, bytes: 0 };
  const deltaTable = deps.warehouse.table(table.name);
  await deltaTable.pointPast(last.version, scratch);
  await mapConcurrent(MAX_CONCURRENT_DELETIONS, expired, ({ path }) => deltaTable.hdfs.delete(path));
  return { files: expired.length, bytes: expired.reduce((sum, { bytes }) => sum + bytes, 0) };
}
