import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { PRIVATE_FOLDER_MODE } from '../../lib/private-files.ts';
import type { RefusedDeliveries } from '../../model/rebuild.ts';
import type { StagedFile } from '../../model/references.ts';
import type { Settings } from '../../model/settings.ts';
import { AttemptScan } from '../../records/scan.ts';
import { tableNamed } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { ErasedOffsets } from '../erasure/erased-offsets.ts';
import { partitionAppId } from '../landing/transaction-ids.ts';
import { createRelations } from '../transform/batch-relations.ts';
import { MESSAGES_PER_TURN, scanInTurn } from '../transform/scan-memory.ts';
import { scanMessage } from '../transform/scan-message.ts';
import { requireSameCounts, writeTable } from '../transform/table-files.ts';
import { toThreadResult, type ThreadResult } from '../transform/thread-result.ts';
import { DeliveryReader } from './read-deliveries.ts';
import { RefusalTally } from './refusals.ts';

/** Data files of one partition of `deliveries`. */
export interface DeliveryFiles {
  readonly source: string;
  /** The UTC day of the partition, as 2026-01-31. */
  readonly ingestedOn: string;
  /** Absolute, in order. */
  readonly files: readonly string[];
}

/** The input of {@link transformDeliveries}. */
export interface DeliveriesTask {
  readonly settings: {
    readonly worker: Pick<Settings['worker'], 'threads'>;
    /** The limits of a batch, which those of the rows in memory are. */
    readonly limits: Pick<Settings['limits'], 'batchBytes' | 'batchMessages'>;
  };
  readonly table: string;
  readonly groups: readonly DeliveryFiles[];
  /** The offset of each partition of a topic, by transaction id, before which rows are transformed. */
  readonly until: ReadonlyMap<string, bigint>;
  /** The application ids of erased messages, which are left out. */
  readonly erased: readonly string[];
  /** The absolute path of the run's staging folder. */
  readonly root: string;
  /** The folder for the Parquet files, relative to `root`. */
  readonly folder: string;
}

/** The files of a table that were derived from deliveries. */
export interface DerivedFiles {
  readonly files: readonly StagedFile[];
  /** The number of deliveries that were transformed. */
  readonly deliveries: number;
  readonly refused: RefusedDeliveries;
}

/** DuckDB's memory limits, past which it spills to the disk. */
const READER_MEMORY = '512MB';
const WRITER_MEMORY = '1GB';

/**
 * Derives a table's files from data files of `deliveries`, with the code of landings. No more rows are in memory at once
 * than those of a batch. Runs in a worker thread.
 */
export function transformDeliveries(task: DeliveriesTask): Promise<ThreadResult<DerivedFiles>> {
  return toThreadResult(`the deliveries of ${task.table}`, async () => {
    const transform = new DeliveriesTransform(task);
    for (const group of task.groups) await transform.add(group);
    return transform.result();
  });
}

class DeliveriesTransform {
  readonly #task: DeliveriesTask;
  readonly #table: Table;
  readonly #files: StagedFile[] = [];
  readonly #refused = new RefusalTally();
  readonly #erased: ErasedOffsets;
  #deliveries = 0;
  #slices = 0;

  constructor(task: DeliveriesTask) {
    this.#task = task;
    this.#table = tableNamed(task.table);
    this.#erased = new ErasedOffsets(task.erased);
  }

  result(): DerivedFiles {
    return { files: this.#files, deliveries: this.#deliveries, refused: this.#refused.counts() };
  }

  async add(group: DeliveryFiles): Promise<void> {
    const { root, folder } = this.#task;
    const options = { threads: 1, memoryLimit: READER_MEMORY, temporaryFolder: join(root, folder) };
    await withDuckDb(options, async (connection) => {
      const reader = await DeliveryReader.open(connection, group.files);
      for (;;) {
        const first = await reader.peek();
        if (first === undefined) return;
        await this.#transformSlice(reader, first.topic, group);
      }
    });
  }

  /** Transforms the next deliveries of a topic, as many as a batch can have. */
  async #transformSlice(reader: DeliveryReader, topic: string, group: DeliveryFiles): Promise<void> {
    const { settings, root, folder } = this.#task;
    const { rows: scan, release } = await scanInTurn(settings.limits.batchBytes, () =>
      this.#scan(reader, topic, group.source),
    );
    try {
      if (scan.attempts.rows === 0) return;
      const slice = join(folder, String(this.#slices));
      this.#slices += 1;
      await mkdir(join(root, slice), { mode: PRIVATE_FOLDER_MODE });
      const target = {
        folder: slice,
        ingestedOn: group.ingestedOn,
        resolve: (path: string) => join(root, path),
      };
      const options = {
        threads: settings.worker.threads,
        memoryLimit: WRITER_MEMORY,
        temporaryFolder: join(root, slice),
      };
      await withDuckDb(options, async (connection) => {
        await createRelations(connection, scan, topic, () => []);
        const file = await writeTable(connection, this.#table, group.source, target);
        const files = file === undefined ? [] : [file];
        requireSameCounts([this.#table], files, scan.values());
        this.#files.push(...files);
      });
    } finally {
      scan.release();
      release();
    }
  }

  async #scan(reader: DeliveryReader, topic: string, source: string): Promise<AttemptScan> {
    const { until, settings } = this.#task;
    const { batchBytes, batchMessages } = settings.limits;
    const scan = new AttemptScan();
    let bytes = 0;
    for (let read = 1; bytes < batchBytes && scan.attempts.rows < batchMessages; read += 1) {
      const delivery = await reader.peek();
      if (delivery?.topic !== topic) break;
      reader.skip();
      if (read % MESSAGES_PER_TURN === 0) await setImmediate();
      const { partition, offset, publishedMs, payload } = delivery;
      if (offset >= (until.get(partitionAppId(topic, partition)) ?? 0n)) continue;
      if (this.#erased.has({ topic, partition, offset })) continue;
      const metadata = { source, headers: '', partition, offset, publishedMs };
      const fault = scanMessage(scan, topic, payload, metadata);
      bytes += payload.length;
      this.#deliveries += 1;
      if (fault !== undefined) this.#refused.add(`${topic}/${partition}/${offset}`, fault);
    }
    return scan;
  }
}
