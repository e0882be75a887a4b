import type { DuckDBConnection } from '@duckdb/node-api';
import { PipelineError, messageOf } from '../model/errors.ts';

/** How much one DuckDB may take. */
export interface DuckDbOptions {
  readonly threads: number;
  /** As DuckDB writes sizes: `1GB`. It spills to `temporaryFolder` before it takes more. */
  readonly memoryLimit: string;
  readonly temporaryFolder: string;
}

/**
 * Runs something with a DuckDB in memory of its own, which is closed afterwards. Timestamps are UTC.
 * A table's rows keep their order, so that the same input makes the same files.
 */
export async function withDuckDb<T>(
  options: DuckDbOptions,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  // Native code of more than 30 MB: what fetches or publishes need not have it.
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: options.memoryLimit,
    temp_directory: options.temporaryFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      await connection.run(`SET TimeZone = 'UTC'; SET preserve_insertion_order = true`);
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** A text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Turns an error of DuckDB into a named one that says its kind alone: the rest can quote a value of the data.
 * @param what What was being done, for the message.
 */
export function asDuckDbError(thrown: unknown, what: string): unknown {
  const message = messageOf(thrown);
  const kind = /^(?:[A-Z][A-Za-z-]* )+Error(?=:)/.exec(message)?.[0];
  if (thrown instanceof PipelineError || kind === undefined) return thrown;
  if (message.includes('No space left'))
    return new PipelineError('STAGING_FULL', `${what}: no space is left on the disk`);
  return new PipelineError('TRANSFORM_FAILED', `${what}: DuckDB answered with its ${kind}`);
}
