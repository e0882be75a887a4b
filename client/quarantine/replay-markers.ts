import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayTransaction } from '../../steps/landing/transaction-ids.ts';
import { commitFiles } from '../../steps/landing/commit-files.ts';
import { writeRows } from '../../steps/transform/write-rows.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import { replays } from '../../tables/index.ts';
import { deltaMetadata } from '../../tables/table.ts';
import type { ChosenRow } from './selection.ts';

/** A row that was published again, and where. */
export interface Replay {
  readonly row: ChosenRow;
  readonly partition: number;
  readonly offset: bigint;
}

const MAX_COMMAND_CHARACTERS = 500;

/** Another command may mark some of the same at the same moment; each time the rest is tried again. */
const MAX_ATTEMPTS = 20;

/** Writes down in the table `replays` what was published again, each once, whoever else does so too. */
export class ReplayMarker {
  readonly #warehouse: Warehouse;
  readonly #command: string;
  readonly #execution = { workflowId: 'pipeline quarantine replay', runId: randomUUID() };

  /** @param command What a person gave, without the program's name. */
  constructor(warehouse: Warehouse, command: string) {
    this.#warehouse = warehouse;
    this.#command = command.slice(0, MAX_COMMAND_CHARACTERS);
  }

  /**
   * Makes sure that the table can take marks, before something is published that could then not be marked.
   * @throws {PipelineError} TABLE_REWRITTEN, TABLE_OTHER_COLUMNS, an error of HDFS or of the log
   */
  async requireKept(): Promise<void> {
    await this.#warehouse.table(replays.name).headForAppend(deltaMetadata(replays));
  }

  /** @throws {PipelineError} an error of HDFS or of the log; then nothing of these was written down. */
  async mark(made: readonly Replay[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'assessment-pipeline-'));
    try {
      for (let tries = 1; ; tries += 1) {
        const missing = await this.#unmarked(made);
        if (missing.length === 0) return;
        try {
          await this.#land(folder, missing);
          return;
        } catch (error) {
          const isOvertaken = error instanceof PipelineError && error.code === 'OFFSETS_MOVED';
          if (!isOvertaken || tries === MAX_ATTEMPTS) throw error;
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** Removes the temporary files in HDFS. */
  async close(): Promise<void> {
    await this.#warehouse.table(replays.name).deleteScratch(this.#execution.runId);
  }

  async #unmarked(made: readonly Replay[]): Promise<Replay[]> {
    const head = await this.#warehouse.table(replays.name).head();
    return made.filter(({ row }) => head?.txns.has(replayTransaction(row.reference).appId) !== true);
  }

  async #land(folder: string, made: readonly Replay[]): Promise<void> {
    const files = await this.#write(folder, made);
    const own = { locate: (path: string) => Promise.resolve(join(folder, path)) };
    await commitFiles(
      { warehouse: this.#warehouse, own },
      { execution: this.#execution },
      {
        table: replays,
        files: () => Promise.resolve(files),
        subject: made.map(({ row }) => row.reference).join(' '),
        fences: made.map(({ row }) => replayTransaction(row.reference)),
        info: { replays: made.length },
      },
    );
  }

  /** Writes one file per source. */
  #write(folder: string, made: readonly Replay[]): Promise<StagedFile[]> {
    const now = new Date();
    const rows = made.map(({ row, partition, offset }) => ({
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
