import { MemoryGate } from '../../lib/memory-gate.ts';
import { Mutex } from '../../lib/mutex.ts';

/**
 * Memory of all rows, as a multiple of `limits.batchBytes`, past which no further batch is started: a message of many
 * small values is several times larger as rows.
 */
const MAX_ROWS_RATIO = 4;

/** The memory of the rows of all batches in progress. */
const memory = new MemoryGate();

/** Batches are read and checked one at a time: this is CPU-bound, so two at once would only delay the first. */
const turns = new Mutex();

/** Messages added before yielding to the event loop, where other batches wait for DuckDB's row callbacks. */
export const MESSAGES_PER_TURN = 32;

/** Rows in memory. */
interface Rows {
  readonly memoryBytes: number;
}

/**
 * Scans the messages of a batch when it is its turn and the rows of earlier batches leave enough memory. A caller that
 * has not released earlier rows must not call it: deadlock.
 * @param batchBytes The target size of a batch.
 * @returns The rows, and a function to call once their memory is freed.
 */
export async function scanInTurn<R extends Rows>(
  batchBytes: number,
  scan: () => Promise<R>,
): Promise<{ readonly rows: R; readonly release: () => void }> {
  return turns.run(async () => {
    await memory.pass(batchBytes * MAX_ROWS_RATIO);
    const rows = await scan();
    return { rows, release: memory.hold(rows.memoryBytes) };
  });
}
