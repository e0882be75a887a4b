import { join } from 'node:path';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import type { RunStaging } from '../../adapters/staging/run-staging.ts';
import type { Chunk, StagedFile } from '../../model/references.ts';
import { quarantine } from '../../tables/index.ts';
import { QUARANTINED } from '../../tables/relations.ts';
import { chunkTransaction } from '../landing/transaction-ids.ts';
import { commitFiles, type CommitDeps } from '../landing/commit-files.ts';
import type { RunContext } from '../run-context.ts';
import { writeTable } from '../transform/table-files.ts';

/** A record that Kafka cannot take. */
export interface RefusedRecord {
  /** Its place in the chunk, from 0. */
  readonly position: number;
  readonly reason: string;
  readonly payload: Buffer;
}

/** The chunk that the records are of, and where it is published. */
export interface ChunkContext {
  readonly source: string;
  readonly topic: string;
  readonly chunk: Chunk;
  /** The day of the run's start in UTC, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** Puts the records of a chunk that cannot be published into quarantine, once. */
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
    info: { chunk: request.chunk.id },
  });
}

async function writeRefused(
  own: RunStaging,
  { source, topic, chunk, ingestedOn }: ChunkContext,
  records: readonly RefusedRecord[],
): Promise<StagedFile> {
  const folder = await own.makeFreshFolder(`${chunk.path}.refused`);
  const options = { threads: 1, memoryLimit: '512MB', temporaryFolder: await own.locate(folder) };
  return withDuckDb(options, async (connection) => {
    await connection.run(QUARANTINED);
    const insert = await connection.prepare(
      `INSERT INTO quarantined (source, kafka_topic, step, chunk, chunk_position, path, reason, payload)
       VALUES ($1, $2, 'publish', $3, $4, '', $5, $6)`,
    );
    for (const { position, reason, payload } of records) {
      insert.bindVarchar(1, source);
      insert.bindVarchar(2, topic);
      insert.bindVarchar(3, chunk.id);
      insert.bindBigInt(4, BigInt(position));
      insert.bindVarchar(5, reason);
      insert.bindBlob(6, payload);
      await insert.run();
    }
    const target = { folder, ingestedOn, resolve: (path: string) => join(own.folder, path) };
    const file = await writeTable(connection, quarantine, source, target);
    if (file === undefined) throw new TypeError(`no file was written for the refused records of ${chunk.id}`);
    return file;
  });
}
