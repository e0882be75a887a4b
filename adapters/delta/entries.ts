import { randomUUID } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import type { Action, AddFile, Metadata } from './actions.ts';
import type { AddedColumns } from './columns.ts';
import type { PendingFile } from './pending-files.ts';
import { ENGINE } from './rewrites.ts';
import { PROTOCOL, type TransactionFence } from './snapshot.ts';

/** The actions to append to a table as one log entry. */
export interface Commit {
  /** The commit is made only if no fence's application has another `txn` version than its `from`. */
  readonly fences: readonly TransactionFence[];
  /** Application ids whose `txn` version is set to 1 unless they have one. */
  readonly marks?: readonly string[];
  readonly files: readonly PendingFile[];
  /** The versions of applications for which the files were written; with a later one in the log, the commit fails. */
  readonly maxVersions?: ReadonlyMap<string, bigint>;
  /** Additional fields of `commitInfo`, for people. */
  readonly info: Readonly<Record<string, unknown>>;
  /** The folder under `_scratch` for temporary files; `DeltaTable.deleteScratch` removes it. */
  readonly scratch: string;
}

/** The result of a commit. `landed-before`: the `txn` versions were already at or past every fence's `to`. */
export interface CommitOutcome {
  readonly outcome: 'committed' | 'landed-before';
  /** A version of the table that includes the commit. */
  readonly version: number;
}

/**
 * Returns the first entry of a table's log, with the transactions that it begins with.
 * @param lastUpdated The time of the commit, in milliseconds since 1970.
 */
export function creationEntry(
  metadata: Metadata,
  txns: ReadonlyMap<string, bigint>,
  lastUpdated: number,
): Action[] {
  return [
    { commitInfo: { operation: 'CREATE TABLE', engineInfo: ENGINE, timestamp: lastUpdated } },
    { protocol: { ...PROTOCOL } },
    { metaData: metadata },
    ...[...txns].map(([appId, version]) => ({
      txn: { appId, version: toSafeInteger(version), lastUpdated },
    })),
  ];
}

/** Fields of `commitInfo`, for people, with its `operation`. */
export type OperationInfo = Readonly<Record<string, unknown>> & { readonly operation: string };

/**
 * Returns the `commitInfo` action of an entry of this program, with a random id, so that no two entries are equal.
 * @param nowMs The time of the commit, in milliseconds since 1970.
 */
export function commitInfo(info: OperationInfo, nowMs: number): Action {
  return { commitInfo: { timestamp: nowMs, engineInfo: ENGINE, commitId: randomUUID(), ...info } };
}

/** Returns the entry that adds columns. Its time is in milliseconds since 1970. */
export function columnsEntry({ metadata, added }: AddedColumns, nowMs: number): Action[] {
  const operationParameters = { columns: JSON.stringify(added) };
  return [commitInfo({ operation: 'ADD COLUMNS', operationParameters }, nowMs), { metaData: metadata }];
}

/** Returns an entry that sets `txn` versions. Its time is in milliseconds since 1970. */
export function versionsEntry(
  versions: Iterable<readonly [appId: string, version: bigint]>,
  info: OperationInfo,
  nowMs: number,
): Action[] {
  const txns = [...versions].map(([appId, version]) => ({ txn: { appId, version: toSafeInteger(version) } }));
  return [commitInfo(info, nowMs), ...txns];
}

/**
 * Returns a `txn` version as a JSON number.
 * @throws {PipelineError} TABLE_LOG_INVALID for a number that JSON readers would round
 */
export function toSafeInteger(version: bigint): number {
  if (version <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(version);
  throw new PipelineError(
    'TABLE_LOG_INVALID',
    `${version} is too large for a JSON number, so it cannot be committed`,
  );
}

/**
 * Returns the entry of a commit.
 * @param lastUpdated The time of the commit, in milliseconds since 1970.
 */
export function commitEntry(
  commit: Omit<Commit, 'files'> & { readonly files: readonly AddFile[] },
  txns: ReadonlyMap<string, bigint>,
  lastUpdated: number,
): Action[] {
  const marks = (commit.marks ?? []).filter((appId) => !txns.has(appId));
  return [
    commitInfo({ operation: 'WRITE', ...commit.info }, lastUpdated),
    ...commit.fences.map(({ appId, to }) => ({ txn: { appId, version: toSafeInteger(to), lastUpdated } })),
    ...marks.map((appId) => ({ txn: { appId, version: 1, lastUpdated } })),
    ...commit.files.map((add) => ({ add })),
  ];
}
