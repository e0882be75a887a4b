import type { AddFile } from '../../adapters/delta/actions.ts';
import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { CommitOutcome, DeltaTable } from '../../adapters/delta/table.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import { deltaMetadata, type Table } from '../../tables/table.ts';
import { shortHash } from '../transform/table-files.ts';
import type { RunContext } from '../run-context.ts';

/** What landing works with: where the tables are, and where the run's staged files. */
export interface CommitDeps {
  readonly warehouse: Warehouse;
  readonly own: Pick<RunStaging, 'locate'>;
}

/** Files of one table that land together, or not at all. */
export interface FilesToCommit {
  readonly table: Table;
  /** Read only where they are not landed yet. */
  readonly files: () => Promise<readonly StagedFile[]>;
  /** Names what lands, for the files' names: the same for each try. */
  readonly subject: string;
  readonly fences: readonly TransactionFence[];
  /** Application ids that the table's log is to have from then on. */
  readonly marks?: readonly string[];
  /** Goes into the commit, for people. */
  readonly info: Readonly<Record<string, unknown>>;
}

/**
 * Uploads files and commits them, once, however often it is tried and by whomever.
 * @param before What the commit waits for, not the upload; where it fails, so does this.
 * @throws {PipelineError} OFFSETS_MOVED when a fence stands elsewhere; an error of HDFS or of the log.
 */
export async function commitFiles(
  deps: CommitDeps,
  run: Pick<RunContext, 'execution'>,
  landing: FilesToCommit,
  before: Promise<unknown> = Promise.resolve(),
): Promise<CommitOutcome> {
  const table = deps.warehouse.table(landing.table.name);
  const scratch = run.execution.runId;
  await table.createIfMissing(deltaMetadata(landing.table), scratch);
  // Nothing is uploaded that could not be committed.
  const landed = await table.findLanded(landing.fences);
  if (landed !== undefined) return landed;
  const adds: AddFile[] = [];
  for (const file of await landing.files())
    adds.push(await upload(deps, table, file, landing.subject, scratch));
  const info = { runId: run.execution.runId, workflowId: run.execution.workflowId, ...landing.info };
  try {
    await before;
    const { fences, marks = [] } = landing;
    const outcome = await table.commit({ fences, marks, files: adds, info, scratch });
    if (outcome.outcome === 'landed-before') await discardUnused(table, adds);
    return outcome;
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'OFFSETS_MOVED') await discardUnused(table, adds);
    throw error;
  }
}

/**
 * A file's name tells its batch, its run and its bytes; so two tries share it only if they wrote the same, and no other
 * run does, which could remove it. A run's id begins with its time, and ends with what is its own.
 */
async function upload(
  { own }: CommitDeps,
  table: DeltaTable,
  file: StagedFile,
  subject: string,
  scratch: string,
): Promise<AddFile> {
  const folder = Object.entries(file.partition)
    .map(([name, value]) => `${name}=${value}`)
    .join('/');
  const nameOf = (sha256: string): string =>
    `${folder}/part-${shortHash(subject)}-${scratch.slice(-8)}-${sha256.slice(0, 8)}.parquet`;
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

/** Another try, or another run, landed the same; what this one uploaded is removed unless that is it. */
async function discardUnused(table: DeltaTable, adds: readonly AddFile[]): Promise<void> {
  const snapshot = await table.snapshot();
  for (const { path } of adds) if (snapshot?.files.has(path) !== true) await table.discard(path);
}
