import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { CommitOutcome } from '../../adapters/delta/entries.ts';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import type { Table } from '../../tables/table.ts';
import { dataFileName } from '../data-file-name.ts';
import type { RunContext } from '../run-context.ts';
import { shortHash } from '../transform/table-files.ts';
import { createTable } from './added-tables.ts';

/** The warehouse, and the run's staged files. */
export interface CommitDeps {
  readonly warehouse: Warehouse;
  readonly own: Pick<RunStaging, 'locate'>;
}

/** Files of one table to commit atomically. */
export interface FilesToCommit {
  readonly table: Table;
  /** Called only if they are not landed yet. */
  readonly files: () => Promise<readonly StagedFile[]>;
  /** Identifies the contents in the files' names; the same for each retry. */
  readonly subject: string;
  readonly fences: readonly TransactionFence[];
  /** Application ids to add to the table's log. Called only if the files are not landed yet. */
  readonly marks?: () => Promise<readonly string[]>;
  /**
   * The numbers of the last erasures of the files' sources for which they were written, by application id. Called only if
   * the files are not landed yet.
   */
  readonly maxVersions?: () => Promise<ReadonlyMap<string, bigint>>;
  /** Extra fields of the commit's `commitInfo`. */
  readonly info: Readonly<Record<string, unknown>>;
}

/** The errors after which no attempt commits the uploaded files. */
const UNUSED: ReadonlySet<ErrorCode> = new Set(['OFFSETS_MOVED', 'STAGING_LOST']);

/**
 * Uploads files and commits them exactly once, also if retried or run concurrently.
 * @param before Awaited before the commit, but not before the upload; if it rejects, so does this.
 * @throws {PipelineError} OFFSETS_MOVED if a fence's version is not `from`; STAGING_LOST if persons of a source were erased
 * since the files were written; an error of HDFS or of the log.
 */
export async function commitFiles(
  deps: CommitDeps,
  run: Pick<RunContext, 'execution' | 'attempt'>,
  landing: FilesToCommit,
  before: Promise<unknown> = Promise.resolve(),
): Promise<CommitOutcome> {
  const table = deps.warehouse.table(landing.table.name);
  const { runId, workflowId } = run.execution;
  const scratch = `${runId}/${shortHash(landing.subject)}`;
  await createTable(deps.warehouse, landing.table, scratch);
  // Checked before the upload, which would otherwise be for nothing.
  const landed = await table.findLanded(landing.fences);
  if (landed !== undefined) return landed;
  // The uploads of an earlier attempt.
  if (run.attempt > 1) await table.deleteScratch(scratch);
  const files = await uploadAll(deps.own, table, await landing.files(), {
    subject: landing.subject,
    runId,
    scratch,
  });
  const info = { runId, workflowId, ...landing.info };
  try {
    await before;
    const { fences } = landing;
    const marks = (await landing.marks?.()) ?? [];
    const maxVersions = (await landing.maxVersions?.()) ?? new Map<string, bigint>();
    const outcome = await table.commit({ fences, marks, maxVersions, files, info, scratch });
    if (outcome.outcome === 'landed-before') await discardUnused(table, files);
    return outcome;
  } catch (error) {
    if (error instanceof PipelineError && UNUSED.has(error.code)) await discardUnused(table, files);
    throw error;
  }
}

type UploadNames = Readonly<Record<'subject' | 'runId' | 'scratch', string>>;

async function uploadAll(
  own: CommitDeps['own'],
  table: DeltaTable,
  staged: readonly StagedFile[],
  names: UploadNames,
): Promise<PendingFile[]> {
  const files: PendingFile[] = [];
  for (const file of staged) files.push(await uploadStaged(own, table, file, names));
  return files;
}

/** Uploads a staged file; see {@link dataFileName}. */
export async function uploadStaged(
  own: CommitDeps['own'],
  table: DeltaTable,
  file: StagedFile,
  { subject, runId, scratch }: UploadNames,
): Promise<PendingFile> {
  const folder = Object.entries(file.partition)
    .map(([name, value]) => `${name}=${value}`)
    .join('/');
  return table.pending.upload(
    {
      local: await own.locate(file.path),
      folder,
      nameOf: (sha256) => dataFileName(subject, runId, sha256),
      partitionValues: { ...file.partition },
      stats: file.stats,
    },
    scratch,
  );
}

/** Removes uploaded files that are not in the table, since another attempt or run landed the same rows. */
async function discardUnused(table: DeltaTable, files: readonly PendingFile[]): Promise<void> {
  const snapshot = await table.snapshot();
  for (const file of files)
    if (snapshot?.files.has(file.add.path) !== true) await table.pending.discard(file);
}
