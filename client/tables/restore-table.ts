import type { Action, AddFile } from '../../adapters/delta/actions.ts';
import { commitInfo, toSafeInteger } from '../../adapters/delta/entries.ts';
import { removeActions } from '../../adapters/delta/replacement.ts';
import { RewriteWatch, describeDamage, isOwnEntry } from '../../adapters/delta/rewrites.ts';
import type { Snapshot } from '../../adapters/delta/snapshot.ts';
import type { TableVersions } from '../../adapters/delta/versions.ts';
import { PipelineError } from '../../model/errors.ts';
import { formatCount } from '../../model/figures.ts';
import {
  firstOffsetAppId,
  isErasureAppId,
  isTopicAppId,
  parseFirstOffsetAppId,
  parsePartitionAppId,
} from '../../steps/landing/transaction-ids.ts';
import { batchesOf } from '../verify/tables.ts';

/** A partition of a topic whose position goes back, so that what landed after it lands again. */
export interface MovedPosition {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** The entry that makes a table what it was at a version. */
export interface Restoration {
  readonly added: readonly AddFile[];
  readonly removed: readonly AddFile[];
  readonly moved: readonly MovedPosition[];
  /** The transactions to set. */
  readonly txns: ReadonlyMap<string, bigint>;
}

/** Transactions that a later landing sets again, or that stay right: the topics' ids, the tables, and skipped offsets. */
const KEPT = /^(?:table|skipped)\//;

/**
 * Returns the changes that set a table back to a version.
 * @param log The versions of the table, listed before its newest state was read.
 * @throws {PipelineError} RESTORE_REFUSED when rows that landed since would not land again, or persons were erased since
 */
export async function planRestoration(
  log: TableVersions,
  current: Snapshot,
  wanted: Snapshot,
): Promise<Restoration> {
  requireNotErased(log.path, current, wanted);
  requireNothingUndone(log.path, current, wanted);
  const moved = await movedPositions(log, current, wanted);
  const txns = new Map(
    moved.map(({ topic, partition, to }): [string, bigint] => [`${topic}/${partition}`, to]),
  );
  for (const { topic, partition } of moved) {
    // Its presence tells the next plan that the table may be behind the others.
    const appId = firstOffsetAppId(topic, partition);
    txns.set(appId, wanted.txns.get(appId) ?? 0n);
  }
  for (const [appId, version] of current.txns) {
    const before = wanted.txns.get(appId) ?? 0n;
    if (parseFirstOffsetAppId(appId) !== undefined && before !== version) txns.set(appId, before);
  }
  return {
    added: [...wanted.files.values()].filter((file) => !isIn(current, file)),
    removed: [...current.files.values()].filter((file) => !isIn(wanted, file)),
    moved,
    txns,
  };
}

/** Returns whether nothing would change. */
export function isUnchanged({ added, removed, txns }: Restoration): boolean {
  return added.length + removed.length + txns.size === 0;
}

/**
 * Returns the actions of the entry.
 * @param entry Who restores, and the time in milliseconds since 1970.
 */
export function restoreActions(
  { added, removed, txns }: Restoration,
  current: Snapshot,
  wanted: Snapshot,
  { by, nowMs }: { readonly by: string; readonly nowMs: number },
): Action[] {
  const { schemaString, partitionColumns } = wanted.metadata;
  const isSameSchema =
    schemaString === current.metadata.schemaString &&
    partitionColumns.join() === current.metadata.partitionColumns.join();
  return [
    commitInfo({ operation: 'RESTORE', operationParameters: { version: wanted.version }, by }, nowMs),
    ...(isSameSchema ? [] : [{ metaData: { ...current.metadata, schemaString, partitionColumns } }]),
    ...[...txns].map(([appId, version]) => ({ txn: { appId, version: toSafeInteger(version) } })),
    ...removeActions(removed, { nowMs, dataChange: true }),
    ...added.map((add) => ({ add: { ...add, dataChange: true } })),
  ];
}

/**
 * Requires that a version has all rows that had landed until then, once: a commit of another program can have removed or
 * doubled some, which would count as restored.
 * @throws {PipelineError} RESTORE_REFUSED, naming that commit
 */
export async function requireWhole(log: TableVersions, version: number): Promise<void> {
  const watch = new RewriteWatch();
  const foreign = [];
  for (let before = version; before >= 0 && log.withEntry.includes(before); before -= 1) {
    const [entry] = await log.readEntries([before]);
    // This program commits only after it has checked all earlier entries.
    if (entry === undefined || isOwnEntry(entry.actions)) break;
    foreign.unshift(entry);
  }
  for (const entry of foreign) watch.apply(entry.version, entry.actions);
  const damage = watch.damage();
  if (damage === undefined) return;
  const { version: changed, operation } = damage;
  throw new PipelineError(
    'RESTORE_REFUSED',
    `${log.path}: version ${changed} (${operation}), by another program, ${describeDamage(damage)}; version ${version} ` +
      `has that change, version ${changed - 1} has not`,
  );
}

function isIn({ files }: Snapshot, { path, size }: AddFile): boolean {
  return files.get(path)?.size === size;
}

/**
 * Requires that no persons were erased after a version: an erasure that has not ended leaves its files.
 * @throws {PipelineError} RESTORE_REFUSED
 */
function requireNotErased(path: string, current: Snapshot, wanted: Snapshot): void {
  const later = [...current.txns].find(
    ([appId, version]) => isErasureAppId(appId) && (wanted.txns.get(appId) ?? 0n) < version,
  );
  if (later === undefined) return;
  throw new PipelineError(
    'RESTORE_REFUSED',
    `${path}: persons were erased after version ${wanted.version} (${later[0]}), which can have them: only versions ` +
      'from the erasure on can be restored',
  );
}

/** @throws {PipelineError} RESTORE_REFUSED */
function requireNothingUndone(path: string, current: Snapshot, wanted: Snapshot): void {
  const undone = [...current.txns].filter(
    ([appId, version]) =>
      parsePartitionAppId(appId) === undefined &&
      parseFirstOffsetAppId(appId) === undefined &&
      !isTopicAppId(appId) &&
      !KEPT.test(appId) &&
      (wanted.txns.get(appId) ?? -1n) < version,
  );
  const [first] = undone;
  if (first === undefined) return;
  throw new PipelineError(
    'RESTORE_REFUSED',
    `${path}: version ${wanted.version} lacks the rows of ${formatCount(undone.length, 'transaction')} that ` +
      `${undone.length === 1 ? 'was' : 'were'} committed since, and which would not land again; one of them is ${first[0]}`,
  );
}

async function movedPositions(
  log: TableVersions,
  current: Snapshot,
  wanted: Snapshot,
): Promise<MovedPosition[]> {
  const moved: MovedPosition[] = [];
  let begun: ReadonlyMap<string, { readonly firstStart: number }> | undefined;
  for (const [appId, from] of current.txns) {
    const partition = parsePartitionAppId(appId);
    if (partition === undefined) continue;
    let to = wanted.txns.get(appId);
    if (to === undefined) {
      begun ??= batchesOf(await log.readEntries(log.withEntry.filter((version) => version > wanted.version)));
      const start = begun.get(appId)?.firstStart;
      if (start === undefined)
        throw new PipelineError(
          'RESTORE_REFUSED',
          `${log.path}: version ${wanted.version} has nothing of ${appId}, and no entry after it says where it begins`,
        );
      to = BigInt(start);
    }
    if (to !== from) moved.push({ ...partition, from, to });
  }
  return moved;
}
