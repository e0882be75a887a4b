import { RunStaging } from '../adapters/staging/run-staging.ts';
import type { StagedBatch, StagedTables } from '../model/references.ts';
import { writeFileList } from '../steps/landing/file-list.ts';
import { requireWithinLimits } from '../steps/transform/batch-limits.ts';
import { erasedOffsetIds } from '../steps/erasure/erased-offsets.ts';
import { SuppressionList } from '../steps/erasure/suppression-list.ts';
import type { TransformThread } from '../steps/transform/transform-thread.ts';
import type { ActivityDeps } from './deps.ts';
import { currentRun } from './run-context.ts';

/** The input of `transform`. */
export interface TransformRequest {
  readonly staged: StagedBatch;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Whether a person let the run ignore the quarantine limits of the batch's sources. */
  readonly pastLimit?: boolean;
}

/** Disk space to reserve, as a multiple of the staged batch's bytes: DuckDB's spill files and the Parquet files. */
const DISK_SPACE_RATIO = 2;

/**
 * Transforms a staged batch into one Parquet file per table and source. A message becomes rows as a whole or is
 * quarantined as a whole; if a value that was counted in the messages is missing in the files, nothing lands.
 * Idempotent: a retry writes the same files.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export function createTransform(
  { settings, staging, kafka, warehouse }: ActivityDeps,
  thread: TransformThread,
) {
  const { sources, worker, limits, erasure } = settings;
  const suppressions = new SuppressionList(warehouse);
  return async function transform(request: TransformRequest): Promise<StagedTables> {
    const { staged, ingestedOn, pastLimit = false } = request;
    const run = currentRun();
    const own = RunStaging.of(staging, run.execution);
    await own.requireReceipt(staged.path, staged);
    await staging.reserve(staged.bytes * DISK_SPACE_RATIO);
    const folder = await own.makeFreshFolder(`${staged.path}.tables`);
    const names = Object.keys(sources).filter((name) => sources[name]?.topic === staged.batch.topic);
    const suppressed = await suppressions.read(names);
    const result = await thread.transformBatch({
      settings: { sources, worker, limits, erasure },
      suppressed,
      root: own.folder,
      messages: await own.locate(staged.path),
      staged,
      folder,
      ingestedOn,
    });
    const { checked, files, erased, ...tables } = result;
    const { batch } = staged;
    if (!pastLimit) await requireWithinLimits(kafka, batch.topic, checked);
    const erasures = new Map(names.map((name) => [name, suppressed.get(name)?.number ?? 0]));
    const listed = await writeFileList(own, folder, {
      files: [...files],
      erased: erasedOffsetIds(erased),
      erasures: Object.fromEntries(erasures),
    });
    await own.writeReceipt(folder, { batch, ...listed });
    return {
      batch,
      staged: [folder, staged.path],
      ...listed,
      ...tables,
      ...(erased.length === 0 ? {} : { erased: erased.length }),
      seconds: run.seconds(),
    };
  };
}
