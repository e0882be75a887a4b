import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { replayTransaction } from '../../steps/landing/transaction-ids.ts';
import { commitFiles } from '../../steps/landing/commit-files.ts';
import { writeRows } from '../../steps/transform/write-rows.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import { replays } from '../../tables/index.ts';
import { deltaMetadata } from '../../tables/table.ts';
import { withTemporaryFolder } from '../cli/interrupt.ts';
import type { ChosenRow } from './selection.ts';

/** A replayed row, and its new partition and offset. */
export interface Replay {
  readonly row: ChosenRow;
  readonly partition: number;
  readonly offset: bigint;
}

const MAX_COMMAND_CHARACTERS = 500;

/** The number of attempts: another command may mark some of the same rows concurrently; the rest is retried. */
const MAX_ATTEMPTS = 20;

/** Records replays in the table `replays`, each exactly once, also if several commands run concurrently. */
export class ReplayMarker {
  readonly #warehouse: Warehouse;
  readonly #command: string;
  readonly #execution = { workflowId: 'pipeline quarantine replay', runId: randomUUID() };

  /** @param command The command line, for the table. */
  constructor(warehouse: Warehouse, command: string) {
    this.#warehouse = warehouse;
    this.#command = command.slice(0, MAX_COMMAND_CHARACTERS);
  }

  /**
   * Checks that the table accepts rows, before anything is published that then could not be recorded.
   * @throws {PipelineError} TABLE_REWRITTEN, TABLE_OTHER_COLUMNS, or an error of HDFS or of the log
   */
  async requireKept(): Promise<void> {
    await this.#warehouse.table(replays.name).headForAppend(deltaMetadata(replays));
  }

  /**
   * Records replays.
   * @throws {PipelineError} an error of HDFS or of the log; then none of these replays was recorded.
   */
  async mark(published: readonly Replay[]): Promise<void> {
    await withTemporaryFolder(async (folder) => {
      for (let attempt = 1; ; attempt += 1) {
        const missing = await this.#unmarked(published);
        if (missing.length === 0) return;
        try {
          await this.#land(folder, missing);
          return;
        } catch (error) {
          const isConflict = error instanceof PipelineError && error.code === 'OFFSETS_MOVED';
          if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
        }
      }
    });
  }

  /** Removes the temporary files in HDFS. */
  async close(): Promise<void> {
    await this.#warehouse.table(replays.name).deleteScratch(this.#execution.runId);
  }

  async #unmarked(published: readonly Replay[]): Promise<Replay[]> {
    const head = await this.#warehouse.table(replays.name).head();
    return published.filter(({ row }) => head?.txns.has(replayTransaction(row.reference).appId) !== true);
  }

  async #land(folder: string, published: readonly Replay[]): Promise<void> {
    const files = await this.#write(folder, published);
    const own = { locate: (path: string) => Promise.resolve(join(folder, path)) };
    await commitFiles(
      { warehouse: this.#warehouse, own },
      { execution: this.#execution, attempt: 1 },
      {
        table: replays,
        files: () => Promise.resolve(files),
        subject: published.map(({ row }) => row.reference).join(' '),
        fences: published.map(({ row }) => replayTransaction(row.reference)),
        info: { replays: published.length },
      },
    );
  }

  /** Writes one file per source. */
  #write(folder: string, published: readonly Replay[]): Promise<StagedFile[]> {
    const now = new Date();
    const rows = published.map(({ row, partition, offset }) => ({
      source: row.source,
      kafka_topic: row.topic,
      kafka_partition: row.partition,
      kafka_offset: row.offset,
      chunk: row.chunk,
      chunk_position: row.position,
      replay_of: row.reference,
      replay_partition: partition,
      replay_offset: offset,
      replayed_at: now.toISOString(),
      command: this.#command,
    }));
    const target = {
      folder: '',
      ingestedOn: now.toISOString().slice(0, 10),
      resolve: (path: string) => join(folder, path),
    };
    return writeRows(target, replays, rows);
  }
}
