import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBTimestampTZValue } from '@duckdb/node-api';
import { replayTransaction } from '../../steps/landing/transaction-ids.ts';
import { commitFiles } from '../../steps/landing/commit-files.ts';
import { writeTable } from '../../steps/transform/table-files.ts';
import { sqlName, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import type { StagedFile } from '../../model/references.ts';
import { replays } from '../../tables/index.ts';
import { deltaMetadata, duckDbType } from '../../tables/table.ts';
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
    await this.#warehouse.table(replays.name).keptHead(deltaMetadata(replays));
  }

  /**
   * Records replays.
   * @throws {PipelineError} an error of HDFS or of the log; then none of these replays was recorded.
   */
  async mark(published: readonly Replay[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'assessment-pipeline-'));
    try {
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
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** Removes the temporary files in HDFS. */
  async close(): Promise<void> {
    await this.#warehouse.table(replays.name).sweep(this.#execution.runId);
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
      { execution: this.#execution },
      {
        table: replays,
        files: () => Promise.resolve(files),
        subject: published.map(({ row }) => row.reference).join(' '),
        fences: published.map(({ row }) => replayTransaction(row.reference)),
        info: { replays: published.length },
      },
    );
  }

  /** Writes one Parquet file per source. */
  async #write(folder: string, published: readonly Replay[]): Promise<StagedFile[]> {
    const now = new Date();
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: folder };
    return withDuckDb(options, async (connection) => {
      const columns = replays.columns.map(({ name, type }) => `${sqlName(name)} ${duckDbType(type)}`);
      await connection.run(`CREATE TABLE replayed (source VARCHAR, ${columns.join(', ')})`);
      const placeholders = replays.columns.map((_, index) => `$${index + 2}`);
      const insert = await connection.prepare(`INSERT INTO replayed VALUES ($1, ${placeholders.join(', ')})`);
      for (const { row, partition, offset } of published) {
        insert.bind([
          row.source,
          row.topic,
          row.partition,
          row.offset,
          row.chunk,
          row.position,
          row.reference,
          partition,
          offset,
          new DuckDBTimestampTZValue(BigInt(now.getTime()) * 1000n),
          this.#command,
        ]);
        await insert.run();
      }
      const target = {
        folder: '',
        ingestedOn: now.toISOString().slice(0, 10),
        resolve: (path: string) => join(folder, path),
      };
      const sources = [...new Set(published.map(({ row }) => row.source))];
      const files = [];
      for (const source of sources) files.push(await writeTable(connection, replays, source, target));
      return files.filter((file) => file !== undefined);
    });
  }
}
