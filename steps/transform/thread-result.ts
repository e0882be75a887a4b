import { asDuckDbError } from '../../adapters/duckdb/database.ts';
import { PipelineError, type ErrorCode } from '../../model/errors.ts';

/** A task's result, or an error's code and message, since a PipelineError would lose its class between threads. */
export type ThreadResult<T> = T | { readonly failed: { readonly code: ErrorCode; readonly message: string } };

/**
 * Runs a task in a worker thread.
 * @param what Names the data of the task in errors of DuckDB.
 */
export async function toThreadResult<T>(what: string, task: () => Promise<T>): Promise<ThreadResult<T>> {
  try {
    return await task();
  } catch (thrown) {
    const error = asDuckDbError(thrown, what);
    if (!(error instanceof PipelineError)) throw error;
    return { failed: { code: error.code, message: error.message } };
  }
}

/** Returns the result of a task of a worker thread; throws its error. */
export function fromThreadResult<T extends object>(result: ThreadResult<T>): T {
  if ('failed' in result) throw new PipelineError(result.failed.code, result.failed.message);
  return result;
}
