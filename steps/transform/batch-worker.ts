import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { PipelineError } from '../../model/errors.ts';
import { MAX_NAMED_FIELDS, type FieldCounts } from '../../model/field-counts.ts';
import { MAX_REASONS_OF_STEP } from '../../model/reasons.ts';
import type { StagedBatch, StagedFile, StagedTables } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import type { ErasedMessage } from '../erasure/erased-offsets.ts';
import { ErasedPersons } from '../erasure/erased-persons.ts';
import type { SuppressedPersons } from '../erasure/suppression-list.ts';
import type { CheckedSource } from './batch-limits.ts';
import { rereadMessages, readStagedMessages } from './message-files.ts';
import { requireSameCounts, writeTable, type FileTarget } from './table-files.ts';
import { BatchRows } from './batch-rows.ts';
import { MESSAGES_PER_TURN, scanInTurn } from './scan-memory.ts';
import { toThreadResult, type ThreadResult } from './thread-result.ts';

export { transformDeliveries } from '../rebuild/transform-deliveries.ts';

/** The input of {@link transformBatch}. */
export interface BatchTask {
  readonly settings: Pick<Settings, 'sources' | 'worker' | 'limits' | 'erasure'>;
  /** The erased persons of the topic's sources. */
  readonly suppressed: ReadonlyMap<string, SuppressedPersons>;
  /** The absolute path of the run's staging folder. */
  readonly root: string;
  /** The absolute path of the batch's folder. */
  readonly messages: string;
  readonly staged: StagedBatch;
  /** The folder for the Parquet files, relative to `root`. */
  readonly folder: string;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** The files of a batch, with its counts. */
export type BatchTables = FieldCounts &
  Pick<StagedTables, 'landed' | 'quarantined' | 'reasons'> & {
    readonly files: readonly StagedFile[];
    /** The messages of erased persons, which were dropped. */
    readonly erased: readonly ErasedMessage[];
    /** To be checked against the quarantine limits before the files land. */
    readonly checked: readonly CheckedSource[];
  };

/** DuckDB's memory limit per batch, past which it spills to the disk. */
const DUCKDB_MEMORY = '1GB';

/** Transforms a batch into Parquet files; runs in a worker thread. */
export default function transformBatch(work: BatchTask): Promise<ThreadResult<BatchTables>> {
  return toThreadResult(`the batch ${JSON.stringify(work.staged.batch)}`, () => tablesOf(work));
}

async function tablesOf(work: BatchTask): Promise<BatchTables> {
  const { settings, staged, folder, ingestedOn } = work;
  const persons = new ErasedPersons(settings.erasure, work.suppressed);
  const options = {
    threads: settings.worker.threads,
    memoryLimit: DUCKDB_MEMORY,
    temporaryFolder: join(work.root, folder),
  };
  return withDuckDb(options, async (connection) => {
    const { rows, release } = await scanInTurn(settings.limits.batchBytes, async () => {
      const added = await BatchRows.create(connection, {
        settings,
        topic: staged.batch.topic,
        messages: staged.messages,
        persons,
      });
      await addAll(added, work);
      return added;
    });
    try {
      const reread = new Rereading(() => rereadMessages(work.messages, staged));
      await rows.finish(() => reread.messages());
      const target = { folder, ingestedOn, resolve: (path: string) => join(work.root, path) };
      const files = await reread.during(() => writeTables(connection, rows, target));
      requireSameCounts(BATCH_TABLES, files, rows.values);
      return {
        files,
        erased: rows.erased,
        landed: rows.landed,
        quarantined: rows.quarantined,
        ...rows.unknown.top(MAX_NAMED_FIELDS),
        reasons: rows.reasons.top(MAX_REASONS_OF_STEP),
        checked: rows.checked,
      };
    } finally {
      rows.release();
      release();
    }
  });
}

/** @throws {PipelineError} STAGING_LOST if the number of messages is not the staged one. */
async function addAll(
  rows: BatchRows,
  { messages: folder, staged }: Pick<BatchTask, 'messages' | 'staged'>,
): Promise<void> {
  let added = 0;
  for await (const messages of readStagedMessages(folder, staged)) {
    for (const message of messages) {
      rows.add(message);
      added += 1;
      if (added % MESSAGES_PER_TURN === 0) await setImmediate();
    }
  }
  if (added === staged.messages) return;
  const found = `${staged.path} holds ${added} of the ${staged.messages} messages that were staged`;
  throw new PipelineError('STAGING_LOST', found);
}

/** Rereads messages when DuckDB pulls the rows of the relation. */
class Rereading {
  readonly #read: () => Generator<StagedMessage, void, undefined>;
  readonly #opened: Generator[] = [];
  #failure: unknown;

  constructor(read: () => Generator<StagedMessage, void, undefined>) {
    this.#read = read;
  }

  *messages(): Generator<StagedMessage, void, undefined> {
    const messages = this.#read();
    this.#opened.push(messages);
    try {
      yield* messages;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Runs `work`, which reads the messages. Rethrows a read error itself, since DuckDB reports only its message. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      // Closes the files, since DuckDB may stop before the last row.
      for (const messages of this.#opened) messages.return(undefined);
    }
  }
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
