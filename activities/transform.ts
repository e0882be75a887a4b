import type { DuckDBConnection } from '@duckdb/node-api';
import { asDuckDbError, withDuckDb } from '../adapters/duckdb.ts';
import { Turns } from '../adapters/turns.ts';
import { MOST_OF_A_STEP } from '../model/reasons.ts';
import type { StagedBatch, StagedFile, StagedTables } from '../model/references.ts';
import { BATCH_TABLES } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { messagesAgain, messagesOf } from './message-files.ts';
import { currentRun } from './run-context.ts';
import { requireSameCounts, writeTable, type FileTarget } from './transform-files.ts';
import type { BatchRows } from './transform-rows.ts';

/** What `transform` is asked for. */
export interface TransformRequest {
  readonly staged: StagedBatch;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Whether a person let the run go past the quarantine limits of the batch's sources. */
  readonly pastLimit?: boolean;
}

/** What a batch is as a whole is bounded by its size; this is what DuckDB may take before it spills to the disk. */
const DUCKDB_MEMORY = '1GB';

/** A staged batch may take so many times its size again, as DuckDB's spill and as Parquet files. */
const ROOM = 2;

/**
 * Turns a staged batch into one Parquet file a table and source. A message lands whole or is quarantined
 * whole; every value that the check of the messages counted must be in the files, else nothing lands.
 * Running it again makes the same files.
 * @throws {PipelineError} STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export function createTransform({ settings, staging }: ActivityDeps) {
  // One batch is read and checked while DuckDB makes files of another: each takes a processor, and several times the
  // memory of its messages in DuckDB.
  const turns = new Turns();
  return async function transform(request: TransformRequest): Promise<StagedTables> {
    const { staged, pastLimit } = request;
    const run = currentRun();
    await staging.reserve(staged.bytes * ROOM);
    const folder = await staging.renewFolder(`${staged.path}.tables`);
    const options = {
      threads: settings.worker.threads,
      memoryLimit: DUCKDB_MEMORY,
      temporaryFolder: staging.resolve(folder),
    };
    const tables = withDuckDb(options, async (connection) => {
      // It names DuckDB's code, which is not to be loaded before there is something to transform.
      const { BatchRows } = await import('./transform-rows.ts');
      const rows = await BatchRows.create(connection, settings, staged.batch.topic);
      for await (const messages of messagesOf(staging, staged))
        for (const message of messages) rows.add(message);
      const files = await turns.take(async () => {
        await rows.finish(() => messagesAgain(staging, staged));
        if (pastLimit !== true) rows.requireWithinLimits();
        const resolve = (path: string): string => staging.resolve(path);
        return writeTables(connection, rows, { folder, ingestedOn: request.ingestedOn, resolve });
      });
      requireSameCounts(BATCH_TABLES, files, rows.values);
      return {
        batch: staged.batch,
        files,
        staged: [staged.path, folder],
        landed: rows.landed,
        quarantined: rows.quarantined,
        unknownFields: Object.fromEntries(rows.unknown),
        reasons: rows.reasons.top(MOST_OF_A_STEP),
        seconds: run.seconds(),
      };
    });
    return tables.catch((error: unknown) => {
      throw asDuckDbError(error, `the batch ${JSON.stringify(staged.batch)}`);
    });
  };
}

async function writeTables(
  connection: DuckDBConnection,
  rows: BatchRows,
  target: FileTarget,
): Promise<StagedFile[]> {
  const files: StagedFile[] = [];
  for (const table of BATCH_TABLES) {
    for (const source of rows.sources) {
      const file = await writeTable(connection, table, source, target);
      if (file !== undefined) files.push(file);
    }
  }
  return files;
}
