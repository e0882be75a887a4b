import { createRequire } from 'node:module';
import type * as DuckDb from '@duckdb/node-api';
import { PipelineError, messageOf } from '../../model/errors.ts';

/** The resource limits of a DuckDB instance. */
export interface DuckDbOptions {
  readonly threads: number;
  /** In DuckDB's format, as `1GB`. Beyond it, DuckDB spills to `temporaryFolder`. */
  readonly memoryLimit: string;
  readonly temporaryFolder: string;
  /**
   * Absolute paths of the only files that SQL can access. It then cannot attach databases, load extensions or change
   * settings either. Undefined means no restriction.
   */
  readonly onlyFiles?: readonly string[];
}

/**
 * Calls `use` with a new in-memory DuckDB and closes it afterwards. Timestamps are UTC. Insertion order is preserved, so
 * the same input produces the same files.
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

/** Loads DuckDB lazily: its native code has over 30 MB, and fetch and publish do not need it. */
async function loadDuckDb(): Promise<typeof DuckDb> {
  const api = await import('@duckdb/node-api');
  // A TextDecoder drops a leading U+FEFF by default, which is part of the value. The package has no option for this.
  const accessors = createRequire(import.meta.url)('@duckdb/node-api/lib/vectors/dataAccessors.js') as {
    textDecoder: InstanceType<typeof TextDecoder>;
  };
  accessors.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return api;
}

async function restrictAccess(connection: DuckDb.DuckDBConnection, files: readonly string[]): Promise<void> {
  // DuckDB checks both the glob pattern and the file that it matches.
  const paths = [...new Set(files.flatMap((file) => [file, escapeGlob(file)]))];
  await connection.run(
    `SET allowed_paths = [${paths.map(sqlText).join(', ')}];
     SET enable_external_access = false;
     SET lock_configuration = true`,
  );
}

/** Quotes a path as an SQL literal for functions that read files, with `*`, `?` and `[` escaped. */
export function sqlFile(path: string): string {
  return sqlText(escapeGlob(path));
}

function escapeGlob(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]');
}

/** Quotes a text as an SQL literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Quotes a name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Maps an error of DuckDB to STAGING_FULL or TRANSFORM_FAILED with its kind only: its message can quote data. Returns
 * other errors unchanged.
 * @param what The operation, for the message.
 */
export function asDuckDbError(thrown: unknown, what: string): unknown {
  const message = messageOf(thrown);
  const kind = /^(?:[A-Z][A-Za-z-]* )+Error(?=:)/.exec(message)?.[0];
  if (thrown instanceof PipelineError || kind === undefined) return thrown;
  if (message.includes('No space left'))
    return new PipelineError('STAGING_FULL', `${what}: no space is left on the disk`);
  return new PipelineError('TRANSFORM_FAILED', `${what}: DuckDB answered with its ${kind}`);
}
