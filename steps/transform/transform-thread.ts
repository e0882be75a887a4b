import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { DeliveriesTask, DerivedFiles } from '../rebuild/transform-deliveries.ts';
import type { BatchTables, BatchTask } from './batch-worker.ts';
import { fromThreadResult, type ThreadResult } from './thread-result.ts';

/** Batches transformed at once, over all runs; the columns of each are in memory. */
const MAX_BATCHES = 3;

/** A thread that transforms batches, so that the worker's event loop stays free for other activities. */
export class TransformThread {
  #pool: Piscina | undefined;

  /** Transforms a batch; starts the thread for the first one. */
  async transformBatch(task: BatchTask): Promise<BatchTables> {
    return fromThreadResult((await this.#start().run(task)) as ThreadResult<BatchTables>);
  }

  /** Derives a table's files from data files of `deliveries`. */
  async transformDeliveries(task: DeliveriesTask): Promise<DerivedFiles> {
    const named = { name: 'transformDeliveries' };
    return fromThreadResult((await this.#start().run(task, named)) as ThreadResult<DerivedFiles>);
  }

  #start(): Piscina {
    this.#pool ??= new Piscina({
      filename: fileURLToPath(new URL(`batch-worker${extension()}`, import.meta.url)),
      maxThreads: 1,
      concurrentTasksPerWorker: MAX_BATCHES,
      // With atomics, the thread would block while it waits for tasks, and with it the batches it already has.
      atomics: 'disabled',
    });
    return this.#pool;
  }
}

/** Returns the extension of this module, which runs as TypeScript or compiled. */
function extension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}
