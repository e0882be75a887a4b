import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { RunStaging } from '../adapters/staging/run-staging.ts';
import { PipelineError } from '../model/errors.ts';
import type { StagedBatch, StagedTables } from '../model/references.ts';
import { requireWithinLimits } from '../steps/transform/batch-limits.ts';
import type { ActivityDeps } from './deps.ts';
import { writeFileList } from '../steps/landing/file-list.ts';
import { currentRun } from './run-context.ts';
import type { BatchResult, BatchTask } from '../steps/transform/batch-worker.ts';

/** What `transform` is asked for. */
export interface TransformRequest {
  readonly staged: StagedBatch;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Whether a person let the run go past the quarantine limits of the batch's sources. */
  readonly pastLimit?: boolean;
}

/** So many batches are in work at once, of all runs; each takes the memory of its columns. */
const BATCHES_AT_ONCE = 3;

/** A staged batch may take so many times its size again, as DuckDB's spill and as Parquet files. */
const ROOM = 2;

/**
 * Turns a staged batch into one Parquet file a table and source. A message lands whole or is quarantined
 * whole; every value that the check of the messages counted must be in the files, else nothing lands.
 * Running it again makes the same files.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export function createTransform({ settings, staging, kafka }: ActivityDeps) {
  const { sources, worker, limits } = settings;
  const thread = new TransformThread();
  return async function transform(request: TransformRequest): Promise<StagedTables> {
    const { staged, ingestedOn, pastLimit = false } = request;
    const run = currentRun();
    const own = RunStaging.of(staging, run.execution);
    await own.requireReceipt(staged.path, staged);
    await staging.reserve(staged.bytes * ROOM);
    const folder = await own.makeFreshFolder(`${staged.path}.tables`);
    const answer = await thread.run({
      settings: { sources, worker, limits },
      root: own.folder,
      messages: await own.locate(staged.path),
      staged,
      folder,
      ingestedOn,
    });
    if ('failed' in answer) throw new PipelineError(answer.failed.code, answer.failed.message);
    const { checked, files, ...tables } = answer;
    const { batch } = staged;
    if (!pastLimit) await requireWithinLimits(kafka, batch.topic, checked);
    const listed = await writeFileList(own, folder, files);
    await own.writeReceipt(folder, { batch, ...listed });
    return { batch, staged: [folder, staged.path], ...listed, ...tables, seconds: run.seconds() };
  };
}

/** The thread that batches are transformed in: it would keep the worker's own from all else for as long. */
class TransformThread {
  #pool: Piscina<BatchTask, BatchResult> | undefined;

  run(work: BatchTask): Promise<BatchResult> {
    // What fetches or publishes need not have it.
    this.#pool ??= new Piscina({
      filename: fileURLToPath(new URL(`transform-batch${extension()}`, import.meta.url)),
      maxThreads: 1,
      concurrentTasksPerWorker: BATCHES_AT_ONCE,
      // The thread goes on with the batches that it has while it waits for others.
      atomics: 'disabled',
    });
    return this.#pool.run(work);
  }
}

/** That of this module: it is TypeScript, or was compiled. */
function extension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}
