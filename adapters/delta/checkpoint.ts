import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { parseAction, type Action } from './actions.ts';
import type { Snapshot } from './snapshot.ts';
import { isForgotten, type LogReadOptions } from './transaction-retention.ts';
import { sqlFile, sqlName, sqlText, withDuckDb } from '../duckdb/database.ts';

/** A checkpoint's columns, with the types of the Delta protocol for reader version 1. */
const COLUMNS = {
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
  metaData:
    'STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), ' +
    'schemaString VARCHAR, partitionColumns VARCHAR[], createdTime BIGINT, "configuration" MAP(VARCHAR, VARCHAR))',
  txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
  add:
    'STRUCT("path" VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, ' +
    'dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))',
  remove:
    'STRUCT("path" VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, ' +
    'partitionValues MAP(VARCHAR, VARCHAR), size BIGINT)',
} as const;

const LastCheckpoint = z.object({ version: z.int().min(0), size: z.int().min(0), parts: z.int().nullish() });

/** The content of `_last_checkpoint`. */
export type LastCheckpoint = z.infer<typeof LastCheckpoint>;

/**
 * Parses `_last_checkpoint`.
 * @param file Its path, for errors.
 * @throws {PipelineError} TABLE_LOG_INVALID
 */
export function parseLastCheckpoint(text: string, file: string): LastCheckpoint {
  try {
    return LastCheckpoint.parse(JSON.parse(text));
  } catch (cause) {
    throw new PipelineError('TABLE_LOG_INVALID', `${file} does not name a checkpoint: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * Returns the actions of a checkpoint, including the tombstones that vacuum needs.
 * @param removedSinceMs Milliseconds since 1970: tombstones of files that were removed before are left out.
 */
export function checkpointActions(
  snapshot: Snapshot,
  removedSinceMs: number,
  { transactionRetention, nowMs = Date.now }: LogReadOptions = {},
): Action[] {
  const now = nowMs();
  return [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...[...snapshot.txns]
      .map(([appId, version]) => {
        const lastUpdated = snapshot.updatedMs.get(appId);
        return { appId, version: Number(version), ...(lastUpdated === undefined ? {} : { lastUpdated }) };
      })
      .filter((txn) => !isForgotten(transactionRetention, txn, now))
      .map((txn) => ({ txn })),
    ...[...snapshot.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ...[...snapshot.removed.values()]
      .filter(({ deletionTimestamp }) => (deletionTimestamp ?? 0) > removedSinceMs)
      .map(({ path, deletionTimestamp, extendedFileMetadata, partitionValues, size }) => ({
        remove: { path, deletionTimestamp, dataChange: false, extendedFileMetadata, partitionValues, size },
      })),
  ];
}

/** Encodes a checkpoint: a Parquet file with one row per action. Uses a temporary folder, which it removes. */
export async function encodeCheckpoint(actions: readonly Action[]): Promise<Buffer> {
  return withTemporaryFolder(async (folder) => {
    const json = join(folder, 'actions.json');
    const parquet = join(folder, 'checkpoint.parquet');
    await writeFile(json, actions.map((action) => JSON.stringify(action)).join('\n'));
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${sqlText(type)}`);
    await withDuckDb(duckDbOptions(folder), (connection) =>
      connection.run(
        `COPY (SELECT * FROM read_json(${sqlFile(json)}, format = 'newline_delimited', maximum_object_size = 67108864,
           columns = {${columns.join(', ')}})) TO ${sqlText(parquet)} (FORMAT parquet, COMPRESSION snappy)`,
      ),
    );
    return readFile(parquet);
  });
}

/** The part of a checkpoint to read: `files` (add and remove actions) or `head` (all others). */
export type CheckpointPart = 'files' | 'head';

const FILE_COLUMNS = new Set(['add', 'remove']);

/**
 * Decodes one part of a checkpoint. Uses a temporary folder, which it removes.
 * @param file The checkpoint's path, for errors.
 * @throws {PipelineError} TABLE_LOG_INVALID when it is not a Delta checkpoint.
 */
export async function decodeCheckpoint(bytes: Buffer, file: string, part: CheckpointPart): Promise<Action[]> {
  return withTemporaryFolder(async (folder) => {
    const parquet = join(folder, 'checkpoint.parquet');
    await writeFile(parquet, bytes);
    const checkpoint = `read_parquet(${sqlFile(parquet)}, hive_partitioning = false)`;
    try {
      return await withDuckDb(duckDbOptions(folder), async (connection) => {
        const described = await connection.runAndReadAll(`DESCRIBE FROM ${checkpoint}`);
        const columns = described
          .getRows()
          .map(([name]) => String(name))
          .filter((name) => FILE_COLUMNS.has(name) === (part === 'files'))
          .map(sqlName);
        if (columns.length === 0) return [];
        const read = await connection.runAndReadAll(
          `SELECT to_json(action)::VARCHAR FROM (SELECT ${columns.join(', ')} FROM ${checkpoint}) AS action
           WHERE ${columns.map((name) => `${name} IS NOT NULL`).join(' OR ')}`,
        );
        return read.getRows().map(([action]) => parseAction(JSON.parse(String(action))));
      });
    } catch (cause) {
      throw new PipelineError('TABLE_LOG_INVALID', `${file} is not a Delta checkpoint: ${messageOf(cause)}`, {
        cause,
      });
    }
  });
}

function duckDbOptions(folder: string): { threads: number; memoryLimit: string; temporaryFolder: string } {
  return { threads: 1, memoryLimit: '256MB', temporaryFolder: folder };
}

async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
