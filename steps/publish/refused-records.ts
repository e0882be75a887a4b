import { join } from 'node:path';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Chunk, StagedFile } from '../../model/references.ts';
import { quarantine } from '../../tables/index.ts';
import { chunkTransaction, erasureAppId } from '../landing/transaction-ids.ts';
import { commitFiles, type CommitDeps } from '../landing/commit-files.ts';
import type { RunContext } from '../run-context.ts';
import { writeRows } from '../transform/write-rows.ts';

/** A record that is too large to publish. */
export interface RefusedRecord {
  /** Its index in the chunk. */
  readonly position: number;
  readonly reason: string;
  readonly payload: Buffer;
}

/** The chunk of the records, and its topic. */
export interface ChunkContext {
  readonly source: string;
  readonly topic: string;
  readonly chunk: Chunk;
  /** The number of the source's last erasure that was regarded. */
  readonly erasures: number;
  /** The day of the run's start in UTC, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** Commits a chunk's refused records to the table `quarantine`, exactly once. */
export async function quarantineRefused(
  deps: CommitDeps & { readonly own: RunStaging },
  run: RunContext,
  request: ChunkContext,
  records: readonly RefusedRecord[],
): Promise<void> {
  const file = await writeRefused(deps.own, request, records);
  await commitFiles(deps, run, {
    table: quarantine,
    files: () => Promise.resolve([file]),
    subject: request.chunk.id,
    fences: [chunkTransaction(request.chunk.id)],
    maxVersions: () => Promise.resolve(new Map([[erasureAppId(request.source), BigInt(request.erasures)]])),
    info: { chunk: request.chunk.id },
  });
}

async function writeRefused(
  own: RunStaging,
  { source, topic, chunk, ingestedOn }: ChunkContext,
  records: readonly RefusedRecord[],
): Promise<StagedFile> {
  const folder = await own.makeFreshFolder(`${chunk.path}.refused`);
  const target = { folder, ingestedOn, resolve: (path: string) => join(own.folder, path) };
  const rows = records.map(({ position, reason, payload }) => ({
    source,
    kafka_topic: topic,
    step: 'publish',
    chunk: chunk.id,
    chunk_position: position,
    path: '',
    reason,
    payload,
  }));
  const [file] = await writeRows(target, quarantine, rows);
  if (file === undefined) throw new TypeError(`no file was written for the refused records of ${chunk.id}`);
  return file;
}
