import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { parseAction, type Action } from './actions.ts';
import type { Snapshot } from './snapshot.ts';
import { sqlFile, sqlName, sqlText, withDuckDb } from '../duckdb/database.ts';

/** A checkpoint's columns: the actions that a reader of version 1 needs, as Delta's protocol types them. */
const COLUMNS = {
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
  metaData:
    'STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), ' +
    'schemaString VARCHAR, partitionColumns VARCHAR[], createdTime BIGINT, "configuration" MAP(VARCHAR, VARCHAR))',
  txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
  add:
    'STRUCT("path" VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, ' +
    'dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))',
  remove: 'STRUCT("path" VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)',
} as const;

const LastCheckpoint = z.object({ version: z.int().min(0), size: z.int().min(0), parts: z.int().nullish() });

/** The newest checkpoint, as `_last_checkpoint` names it. */
export type LastCheckpoint = z.infer<typeof LastCheckpoint>;

/** @throws {PipelineError} TABLE_LOG_INVALID */
export function parseLastCheckpoint(text: string, file: string): LastCheckpoint {
  try {
    return LastCheckpoint.parse(JSON.parse(text));
  } catch (cause) {
    throw new PipelineError('TABLE_LOG_INVALID', `${file} does not name a checkpoint: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** So long a removed file is kept for those who read an earlier version: `delta.deletedFileRetentionDuration`. */
const KEEP_REMOVED_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * The actions that a checkpoint of this snapshot holds. It names the files removed in the last week too: by
 * that a clean-up knows which files nobody needs any more, and since when.
 * @param nowMs Milliseconds since 1970.
 */
export function checkpointActions(snapshot: Snapshot, nowMs: number): Action[] {
  const removed = [...snapshot.removed.values()].map(({ path, deletionTimestamp }) => ({
    path,
    deletionTimestamp: deletionTimestamp ?? 0,
    dataChange: false,
  }));
  return [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...[...snapshot.txns].map(([appId, version]) => ({ txn: { appId, version: Number(version) } })),
    ...[...snapshot.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ...removed
      .filter(({ deletionTimestamp }) => deletionTimestamp > nowMs - KEEP_REMOVED_MS)
      .map((remove) => ({ remove })),
  ];
}

/** A checkpoint's bytes: a Parquet file of one row an action. */
export async function encodeCheckpoint(actions: readonly Action[]): Promise<Buffer> {
  return inFolder(async (folder) => {
    const json = join(folder, 'actions.json');
    const parquet = join(folder, 'checkpoint.parquet');
    await writeFile(json, actions.map((action) => JSON.stringify(action)).join('\n'));
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${sqlText(type)}`);
    await withDuckDb(optionsIn(folder), (connection) =>
      connection.run(
        `COPY (SELECT * FROM read_json(${sqlFile(json)}, format = 'newline_delimited', maximum_object_size = 67108864,
           columns = {${columns.join(', ')}})) TO ${sqlText(parquet)} (FORMAT parquet, COMPRESSION snappy)`,
      ),
    );
    return readFile(parquet);
  });
}

/** What of a checkpoint is read: its files, those that it names as removed too, or all else. */
export type CheckpointPart = 'files' | 'head';

const FILES = new Set(['add', 'remove']);

/**
 * The actions of a part of a checkpoint.
 * @param file Its path, for messages.
 * @throws {PipelineError} TABLE_LOG_INVALID when it is no checkpoint of Delta.
 */
export async function decodeCheckpoint(bytes: Buffer, file: string, part: CheckpointPart): Promise<Action[]> {
  return inFolder(async (folder) => {
    const parquet = join(folder, 'checkpoint.parquet');
    await writeFile(parquet, bytes);
    const checkpoint = `read_parquet(${sqlFile(parquet)}, hive_partitioning = false)`;
    try {
      return await withDuckDb(optionsIn(folder), async (connection) => {
        const described = await connection.runAndReadAll(`DESCRIBE FROM ${checkpoint}`);
        const columns = described
          .getRows()
          .map(([name]) => String(name))
          .filter((name) => FILES.has(name) === (part === 'files'))
          .map(sqlName);
        if (columns.length === 0) return [];
        const read = await connection.runAndReadAll(
          `SELECT to_json(action)::VARCHAR FROM (SELECT ${columns.join(', ')} FROM ${checkpoint}) AS action
           WHERE ${columns.map((name) => `${name} IS NOT NULL`).join(' OR ')}`,
        );
        return read.getRows().map(([action]) => parseAction(JSON.parse(String(action))));
      });
    } catch (cause) {
      throw new PipelineError('TABLE_LOG_INVALID', `${file} is no checkpoint: ${messageOf(cause)}`, {
        cause,
      });
    }
  });
}

function optionsIn(folder: string): { threads: number; memoryLimit: string; temporaryFolder: string } {
  return { threads: 1, memoryLimit: '256MB', temporaryFolder: folder };
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
