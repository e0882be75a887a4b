import { randomUUID } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import type { Action, Metadata } from './actions.ts';
import type { AddedColumns } from './columns.ts';
import { ENGINE } from './rewrites.ts';
import { PROTOCOL } from './snapshot.ts';

/** Returns the first entry of a table's log, with the transactions that it begins with. */
export function creationEntry(metadata: Metadata, txns: ReadonlyMap<string, bigint>): Action[] {
  const lastUpdated = Date.now();
  return [
    { commitInfo: { operation: 'CREATE TABLE', engineInfo: ENGINE, timestamp: lastUpdated } },
    { protocol: { ...PROTOCOL } },
    { metaData: metadata },
    ...[...txns].map(([appId, version]) => ({
      txn: { appId, version: toSafeInteger(version), lastUpdated },
    })),
  ];
}

/** Returns the entry that adds columns. It has a random id, so that it equals no other writer's. */
export function columnsEntry({ metadata, added }: AddedColumns): Action[] {
  return [
    {
      commitInfo: {
        timestamp: Date.now(),
        operation: 'ADD COLUMNS',
        operationParameters: { columns: JSON.stringify(added) },
        engineInfo: ENGINE,
        commitId: randomUUID(),
      },
    },
    { metaData: metadata },
  ];
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
