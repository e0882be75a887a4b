import { asDuckDbError, withDuckDb } from '../adapters/duckdb.ts';
import { MOST_OF_A_STEP } from '../model/reasons.ts';
import type { StagedBatch, StagedFile, StagedTables } from '../model/references.ts';
import { BATCH_TABLES } from '../tables/index.ts';
import type { ActivityDeps } from './deps.ts';
import { messagesOf } from './message-files.ts';
import { currentRun } from './run-context.ts';
import { requireSameCounts, writeTable } from './transform-files.ts';
import { BatchRows } from './transform-rows.ts';

/** What `transform` is asked for. */
export interface TransformRequest {
  readonly staged: StagedBatch;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Whether a person let the run go past the quarantine limits of the batch's sources. */
  readonly pastLimit?: boolean;
}

/** A staged batch may take so many times its size again, as DuckDB's spill and as Parquet files. */
const ROOM = 2;

/**
 * Turns a staged batch into one Parquet file a table and source. A message lands whole or is quarantined
 * whole; every value that the check of the messages counted must be in the files, else nothing lands.
 * Running it again makes the same files.
 * @throws {PipelineError} STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export function createTransform({ settings, staging }: ActivityDeps) {
  return async function transform({
    staged,
    ingestedOn,
    pastLimit,
  }: TransformRequest): Promise<StagedTables> {
    const run = currentRun();
    await staging.reserve(staged.bytes * ROOM);
    const folder = await staging.renewFolder(`${staged.path}.tables`);
    const options = {
      threads: settings.worker.threads,
      memoryLimit: '1GB',
      temporaryFolder: staging.resolve(folder),
    };
    const tables = withDuckDb(options, async (connection) => {
      const rows = await BatchRows.create(connection, settings, staged.batch.topic);
      for await (const messages of messagesOf(staging, staged))
        for (const message of messages) rows.add(message);
      await rows.finish();
      if (pastLimit !== true) rows.requireWithinLimits();
      const files: StagedFile[] = [];
      for (const table of BATCH_TABLES) {
        for (const source of rows.sources) {
          const file = await writeTable(connection, table, source, {
            folder,
            ingestedOn,
            resolve: (path) => staging.resolve(path),
          });
          if (file !== undefined) files.push(file);
        }
      }
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
