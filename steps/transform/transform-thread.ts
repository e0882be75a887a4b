import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { DeliveriesTask, DerivedResult } from '../rebuild/transform-deliveries.ts';
import type { BatchResult, BatchTask } from './batch-worker.ts';

/** Batches transformed at once, over all runs; the columns of each are in memory. */
const MAX_BATCHES = 3;

/** A thread that transforms batches, so that the worker's event loop stays free for other activities. */
export class TransformThread {
  #pool: Piscina | undefined;

  /** Transforms a batch; starts the thread for the first one. */
  run(task: BatchTask): Promise<BatchResult> {
    return this.#start().run(task) as Promise<BatchResult>;
  }

  /** Derives a table's files from data files of `deliveries`. */
  transformDeliveries(task: DeliveriesTask): Promise<DerivedResult> {
    return this.#start().run(task, { name: 'transformDeliveries' }) as Promise<DerivedResult>;
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
