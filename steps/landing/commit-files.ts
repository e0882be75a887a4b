import type { AddFile } from '../../adapters/delta/actions.ts';
import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { CommitOutcome } from '../../adapters/delta/entries.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import type { Table } from '../../tables/table.ts';
import { dataFileName } from '../data-file-name.ts';
import type { RunContext } from '../run-context.ts';
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
  run: Pick<RunContext, 'execution'>,
  landing: FilesToCommit,
  before: Promise<unknown> = Promise.resolve(),
): Promise<CommitOutcome> {
  const table = deps.warehouse.table(landing.table.name);
  const scratch = run.execution.runId;
  await createTable(deps.warehouse, landing.table, scratch);
  // Checked before the upload, which would otherwise be for nothing.
  const landed = await table.findLanded(landing.fences);
  if (landed !== undefined) return landed;
  const files = await landing.files();
  const uploadFile = (file: StagedFile): Promise<AddFile> =>
    uploadStaged(deps.own, table, file, { subject: landing.subject, scratch });
  const adds: AddFile[] = [];
  for (const file of files) adds.push(await uploadFile(file));
  const info = { runId: run.execution.runId, workflowId: run.execution.workflowId, ...landing.info };
  try {
    await before;
    await restoreDeleted(table, files, adds, uploadFile);
    const { fences } = landing;
    const marks = (await landing.marks?.()) ?? [];
    const maxVersions = (await landing.maxVersions?.()) ?? new Map<string, bigint>();
    const outcome = await table.commit({ fences, marks, maxVersions, files: adds, info, scratch });
    if (outcome.outcome === 'landed-before') await discardUnused(table, adds);
    return outcome;
  } catch (error) {
    if (error instanceof PipelineError && UNUSED.has(error.code)) await discardUnused(table, adds);
    throw error;
  }
}

/**
 * Uploads files again that another program's VACUUM has deleted, since no entry names them yet.
 * @param adds The uploaded files, by index; updated.
 */
async function restoreDeleted(
  table: DeltaTable,
  files: readonly StagedFile[],
  adds: AddFile[],
  uploadFile: (file: StagedFile) => Promise<AddFile>,
): Promise<void> {
  for (const [index, file] of files.entries()) {
    const add = adds[index];
    if (add !== undefined && !(await table.hasFile(add))) adds[index] = await uploadFile(file);
  }
}

/** Uploads a staged file; see {@link dataFileName}. */
export async function uploadStaged(
  own: CommitDeps['own'],
  table: DeltaTable,
  file: StagedFile,
  { subject, scratch }: { readonly subject: string; readonly scratch: string },
): Promise<AddFile> {
  const folder = Object.entries(file.partition)
    .map(([name, value]) => `${name}=${value}`)
    .join('/');
  const nameOf = (sha256: string): string => `${folder}/${dataFileName(subject, scratch, sha256)}`;
  const stored = await table.upload(await own.locate(file.path), nameOf, scratch);
  return {
    path: stored.path,
    partitionValues: { ...file.partition },
    size: stored.bytes,
    modificationTime: stored.modifiedAtMs,
    dataChange: true,
    stats: file.stats,
    tags: { sha256: stored.sha256 },
  };
}

/** Removes uploaded files that are not in the table, since another attempt or run landed the same rows. */
async function discardUnused(table: DeltaTable, adds: readonly AddFile[]): Promise<void> {
  const snapshot = await table.snapshot();
  for (const { path } of adds) if (snapshot?.files.has(path) !== true) await table.discard(path);
}
