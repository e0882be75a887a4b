import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { BatchResult, BatchTask } from './batch-worker.ts';

/** Batches transformed at once, over all runs; the columns of each are in memory. */
const MAX_BATCHES = 3;

/** A thread that transforms batches, so that the worker's event loop stays free for other activities. */
export class TransformThread {
  #pool: Piscina<BatchTask, BatchResult> | undefined;

  /** Transforms a batch; starts the thread for the first one. */
  run(task: BatchTask): Promise<BatchResult> {
    this.#pool ??= new Piscina({
      filename: fileURLToPath(new URL(`batch-worker${extension()}`, import.meta.url)),
      maxThreads: 1,
      concurrentTasksPerWorker: MAX_BATCHES,
      // With atomics, the thread would block while it waits for tasks, and with it the batches it already has.
      atomics: 'disabled',
    });
    return this.#pool.run(task);
  }
}

/** Returns the extension of this module, which runs as TypeScript or compiled. */
function extension(): string {
  return import.meta.url.endsWith('.ts') ? '.ts' : '.js';
}
