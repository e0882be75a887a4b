import { createRequire } from 'node:module';
import type * as DuckDb from '@duckdb/node-api';
import { PipelineError, messageOf } from '../../model/errors.ts';

/** How much one DuckDB may take. */
export interface DuckDbOptions {
  readonly threads: number;
  /** As DuckDB writes sizes: `1GB`. It spills to `temporaryFolder` before it takes more. */
  readonly memoryLimit: string;
  readonly temporaryFolder: string;
  /**
   * The only files that SQL can read or write, by their absolute paths. Then it can also attach no database, load no
   * extension and change no setting. Undefined gives SQL the rights of this process.
   */
  readonly onlyFiles?: readonly string[];
}

/**
 * Runs something with a DuckDB in memory of its own, which is closed afterwards. Timestamps are UTC.
 * A table's rows keep their order, so that the same input makes the same files.
 */
export async function withDuckDb<T>(
  options: DuckDbOptions,
  use: (connection: DuckDb.DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await loadDuckDb();
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
      if (options.onlyFiles !== undefined) await restrictAccess(connection, options.onlyFiles);
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Loads DuckDB when it is needed: it has native code of more than 30 MB, which fetching and publishing do without. */
async function loadDuckDb(): Promise<typeof DuckDb> {
  const api = await import('@duckdb/node-api');
  // By default a TextDecoder drops a leading U+FEFF, which is part of a value. The package has no option for it.
  const accessors = createRequire(import.meta.url)('@duckdb/node-api/lib/vectors/dataAccessors.js') as {
    textDecoder: InstanceType<typeof TextDecoder>;
  };
  accessors.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return api;
}

async function restrictAccess(connection: DuckDb.DuckDBConnection, files: readonly string[]): Promise<void> {
  // DuckDB checks the pattern that a file is named by, and then the file that it matches.
  const paths = [...new Set(files.flatMap((file) => [file, withoutGlob(file)]))];
  await connection.run(
    `SET allowed_paths = [${paths.map(sqlText).join(', ')}];
     SET enable_external_access = false;
     SET lock_configuration = true`,
  );
}

/** A file's path as an SQL literal for functions that read files, which would take `*`, `?` and `[` for a pattern. */
export function sqlFile(path: string): string {
  return sqlText(withoutGlob(path));
}

function withoutGlob(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]');
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
