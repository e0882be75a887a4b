import {
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
} from '@duckdb/node-api';
import { PipelineError } from '../model/errors.ts';

/**
 * What a query may do that is not trusted: it reads, and it changes tables that are in memory alone. DuckDB refuses it
 * other files, extensions and settings, but not all that can reach outside: COPY could overwrite the files that it may
 * read, CALL and PRAGMA can turn on logging and profiling.
 */
const ALLOWED: ReadonlySet<StatementType> = new Set([
  StatementType.SELECT,
  StatementType.CREATE,
  StatementType.ALTER,
  StatementType.DROP,
  StatementType.INSERT,
  StatementType.UPDATE,
  StatementType.DELETE,
  StatementType.MERGE_INTO,
  StatementType.TRANSACTION,
  // Of a variable or of the schema: the configuration is locked.
  StatementType.SET,
  StatementType.VARIABLE_SET,
]);

/** `EXPLAIN` and its options; the statement that it explains follows. */
const EXPLAIN = /^\s*EXPLAIN\b\s*(?:ANALYZE\b\s*)?(?:\([\w\s,]*\)\s*)?/i;

/**
 * Runs the statements of a query that is not trusted.
 * @returns The result of the last one, which is read as it comes.
 * @throws {PipelineError} QUERY_REFUSED for a statement that can do more than read and work in memory; those before it
 *   were run. DuckDB's own error for anything else that is wrong.
 */
export async function streamReadOnly(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const statements = await connection.extractStatements(sql);
  const last = statements.count - 1;
  for (let at = 0; at < last; at += 1) {
    await withStatement(await statements.prepare(at), async (statement) => {
      await requireAllowed(connection, statement, undefined);
      await statement.run();
    });
  }
  return withStatement(await statements.prepare(last), async (statement) => {
    await requireAllowed(connection, statement, last === 0 ? sql : undefined);
    return statement.stream();
  });
}

/** The error for something that a query may not do unless it is trusted. */
export function queryRefused(what: string): PipelineError {
  return new PipelineError('QUERY_REFUSED', what);
}

async function withStatement<T>(
  statement: DuckDBPreparedStatement,
  use: (statement: DuckDBPreparedStatement) => Promise<T>,
): Promise<T> {
  try {
    return await use(statement);
  } finally {
    statement.destroySync();
  }
}

/** @param sql Its text, where it is the only statement. */
async function requireAllowed(
  connection: DuckDBConnection,
  { statementType: type }: DuckDBPreparedStatement,
  sql: string | undefined,
): Promise<void> {
  if (ALLOWED.has(type)) return;
  if (type === StatementType.EXPLAIN && sql !== undefined && (await explainsSelect(connection, sql))) return;
  throw queryRefused(`a query can have no ${StatementType[type]} statement`);
}

/** EXPLAIN ANALYZE runs what it explains. */
async function explainsSelect(connection: DuckDBConnection, sql: string): Promise<boolean> {
  const explained = sql.replace(EXPLAIN, '');
  if (explained === sql) return false;
  // It cannot be parsed where the options are written in a way that is not known here.
  const statements = await connection.extractStatements(explained).catch(() => undefined);
  if (statements?.count !== 1) return false;
  return withStatement(await statements.prepare(0), (statement) =>
    Promise.resolve(statement.statementType === StatementType.SELECT),
  );
}
