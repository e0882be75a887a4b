import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asDuckDbError, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { MemoryGate } from '../../lib/memory-gate.ts';
import { Mutex } from '../../lib/mutex.ts';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';
import { MAX_NAMED_FIELDS, type FieldCounts } from '../../model/field-counts.ts';
import { MAX_REASONS_OF_STEP } from '../../model/reasons.ts';
import type { StagedBatch, StagedFile, StagedTables } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import type { CheckedSource } from './batch-limits.ts';
import { rereadMessages, messagesOf } from './message-files.ts';
import { requireSameCounts, writeTable, type FileTarget } from './table-files.ts';
import { BatchRows } from './batch-rows.ts';

/** A batch to be transformed. */
export interface BatchTask {
  readonly settings: Pick<Settings, 'sources' | 'worker' | 'limits'>;
  /** The absolute path of the run's staging folder. */
  readonly root: string;
  /** The absolute path of the batch's folder. */
  readonly messages: string;
  readonly staged: StagedBatch;
  /** Where the files go, relative to that. */
  readonly folder: string;
  /** The UTC day that names the partition of every row, as 2026-01-31. */
  readonly ingestedOn: string;
}

/** What became of it. */
type BatchTables = FieldCounts &
  Pick<StagedTables, 'landed' | 'quarantined' | 'reasons'> & {
    readonly files: readonly StagedFile[];
    /** Whether these keep the quarantine limits is to be found out before anything lands. */
    readonly checked: readonly CheckedSource[];
  };

/** The same, or a named error: between threads, an error would lose its name. */
export type BatchResult =
  BatchTables | { readonly failed: { readonly code: ErrorCode; readonly message: string } };

/** What a batch is as a whole is bounded by its size; this is what DuckDB may take before it spills to the disk. */
const DUCKDB_MEMORY = '1GB';

/** After so many messages others have their turn: DuckDB asks for the rows of another batch a few at a time. */
const MESSAGES_A_TURN = 32;

/**
 * While the rows of earlier batches take more than so many times `limits.batchBytes`, no further batch is begun: a
 * message of many small values takes several times its size as rows.
 */
const MAX_ROWS_RATIO = 4;

/** The memory of the rows of all batches in work. */
const memory = new MemoryGate();

/** One batch is read and checked at a time: to do two at once would only make the first one later. */
const turns = new Mutex();

/** Transforms a batch: what runs in a thread of its own. */
export default async function transformBatch(work: BatchTask): Promise<BatchResult> {
  try {
    return await tablesOf(work);
  } catch (thrown) {
    const error = asDuckDbError(thrown, `the batch ${JSON.stringify(work.staged.batch)}`);
    if (!(error instanceof PipelineError)) throw error;
    return { failed: { code: error.code, message: error.message } };
  }
}

async function tablesOf(work: BatchTask): Promise<BatchTables> {
  const { settings, staged, folder, ingestedOn } = work;
  const options = {
    threads: settings.worker.threads,
    memoryLimit: DUCKDB_MEMORY,
    temporaryFolder: join(work.root, folder),
  };
  return withDuckDb(options, async (connection) => {
    // What waits for its turn takes no memory for rows yet.
    const { rows, release } = await turns.run(async () => {
      await memory.pass(settings.limits.batchBytes * MAX_ROWS_RATIO);
      const begun = await BatchRows.create(connection, settings, staged.batch.topic, staged.messages);
      await addAll(begun, work);
      return { rows: begun, release: memory.hold(begun.memoryBytes) };
    });
    try {
      const again = new Rereading(() => rereadMessages(work.messages, staged));
      await rows.finish(() => again.messages());
      const target = { folder, ingestedOn, resolve: (path: string) => join(work.root, path) };
      const files = await again.during(() => writeTables(connection, rows, target));
      requireSameCounts(BATCH_TABLES, files, rows.values);
      return {
        files,
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

/** @throws {PipelineError} STAGING_LOST when other than the messages that were staged are there. */
async function addAll(
  rows: BatchRows,
  { messages: folder, staged }: Pick<BatchTask, 'messages' | 'staged'>,
): Promise<void> {
  let added = 0;
  for await (const messages of messagesOf(folder, staged)) {
    for (const message of messages) {
      rows.add(message);
      added += 1;
      if (added % MESSAGES_A_TURN === 0) await setImmediate();
    }
  }
  if (added === staged.messages) return;
  const found = `${staged.path} holds ${added} of the ${staged.messages} messages that were staged`;
  throw new PipelineError('STAGING_LOST', found);
}

/** Reads messages again while DuckDB asks for them. */
class Rereading {
  readonly #read: () => Generator<StagedMessage, void, undefined>;
  readonly #begun: Generator[] = [];
  #failure: unknown;

  constructor(read: () => Generator<StagedMessage, void, undefined>) {
    this.#read = read;
  }

  *messages(): Generator<StagedMessage, void, undefined> {
    const messages = this.#read();
    this.#begun.push(messages);
    try {
      yield* messages;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Does something that asks for them. Of an error of theirs, DuckDB would give the message alone. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      // DuckDB does not ask for more than it needs: their files would stay open.
      for (const messages of this.#begun) messages.return(undefined);
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
