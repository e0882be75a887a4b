import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Staging } from '../../adapters/staging/staging.ts';
import type { StagedBatch, StagedTables } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import { erasedOffsetIds } from '../erasure/erased-offsets.ts';
import type { SuppressionList } from '../erasure/suppression-list.ts';
import { writeFileList } from '../landing/file-list.ts';
import type { RunContext } from '../run-context.ts';
import { requireWithinLimits } from './batch-limits.ts';
import type { BatchTables, BatchTask } from './batch-worker.ts';

/** A staged batch to transform. */
export interface BatchToTransform {
  readonly staged: StagedBatch;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Whether a person let the run ignore the quarantine limits of the batch's sources. */
  readonly pastLimit?: boolean;
}

/** The services of {@link transformStaged}, and the run's staged files. */
export interface TransformDeps {
  readonly settings: Pick<Settings, 'sources' | 'worker' | 'limits' | 'erasure'>;
  readonly kafka: KafkaWithMarkers;
  readonly suppressions: SuppressionList;
  readonly staging: Pick<Staging, 'reserve'>;
  readonly own: RunStaging;
  /** Runs `transformBatch` in a worker thread. */
  readonly transform: (task: BatchTask) => Promise<BatchTables>;
}

/** Disk space to reserve, as a multiple of the staged batch's bytes: DuckDB's spill files and the Parquet files. */
const DISK_SPACE_RATIO = 2;

/**
 * Transforms a staged batch into one Parquet file per table and source. A message becomes rows as a whole or is
 * quarantined as a whole; if a value that was counted in the messages is missing in the files, nothing lands.
 * Idempotent: a retry writes the same files.
 * @throws {PipelineError} INPUT_INVALID, STAGING_LOST, STAGING_FULL, TRANSFORM_MISMATCH, TRANSFORM_FAILED, QUARANTINE_LIMIT
 */
export async function transformStaged(
  { settings, kafka, suppressions, staging, own, transform }: TransformDeps,
  run: Pick<RunContext, 'seconds'>,
  { staged, ingestedOn, pastLimit = false }: BatchToTransform,
): Promise<StagedTables> {
  const { sources, worker, limits, erasure } = settings;
  await own.requireReceipt(staged.path, staged);
  await staging.reserve(staged.bytes * DISK_SPACE_RATIO);
  const folder = await own.makeFreshFolder(`${staged.path}.tables`);
  const names = Object.keys(sources).filter((name) => sources[name]?.topic === staged.batch.topic);
  const suppressed = await suppressions.read(names);
  const result = await transform({
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
}
