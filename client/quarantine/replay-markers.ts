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

  /** A file a source. */
  async #write(folder: string, made: readonly Replay[]): Promise<StagedFile[]> {
    const now = new Date();
    const options = { threads: 1, memoryLimit: '256MB', temporaryFolder: folder };
    return withDuckDb(options, async (connection) => {
      const columns = replays.columns.map(({ name, type }) => `${sqlName(name)} ${duckDbType(type)}`);
      await connection.run(`CREATE TABLE replayed (source VARCHAR, ${columns.join(', ')})`);
      const places = replays.columns.map((_, at) => `$${at + 2}`);
      const insert = await connection.prepare(`INSERT INTO replayed VALUES ($1, ${places.join(', ')})`);
      for (const { row, partition, offset } of made) {
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
      const sources = [...new Set(made.map(({ row }) => row.source))];
      const files = [];
      for (const source of sources) files.push(await writeTable(connection, replays, source, target));
      return files.filter((file) => file !== undefined);
    });
  }
}
