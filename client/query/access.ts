import {
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
} from '@duckdb/node-api';
import { PipelineError } from '../../model/errors.ts';
import { requireAllowedFunctions } from './functions.ts';

/**
 * Statement types of an untrusted query: it may read, and change tables in memory. DuckDB's configuration forbids other
 * files, extensions and settings, but not everything with effects outside: COPY could overwrite the files that the query
 * may read, CALL and PRAGMA can turn on logging and profiling.
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
  // Sets only variables and the schema: the configuration is locked.
  StatementType.SET,
  StatementType.VARIABLE_SET,
]);

/** Matches `EXPLAIN` and its options, up to the explained statement. */
const EXPLAIN = /^\s*EXPLAIN\b\s*(?:ANALYZE\b\s*)?(?:\([\w\s,]*\)\s*)?/i;

/** Matches a `;`, or a token that can contain one: a string literal, a quoted name, a comment. */
const SEPARATORS =
  /\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|\/\*.*?\*\/|;/gis;

/**
 * Runs the statements of an untrusted query.
 * @returns The streamed result of the last statement.
 * @throws {PipelineError} QUERY_REFUSED for a statement that can do more than read and work in memory, after the
 *   statements before it have run. DuckDB's own error for invalid SQL.
 */
export async function streamReadOnly(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const statements = await splitStatements(connection, sql);
  for (const statement of statements.slice(0, -1))
    await withAllowed(connection, statement, async (prepared) => {
      await prepared.run();
    });
  return withAllowed(connection, statements.at(-1) ?? '', (prepared) => prepared.stream());
}

/** Returns the error for an operation that only a trusted query may do. */
export function queryRefused(message: string): PipelineError {
  return new PipelineError('QUERY_REFUSED', message);
}

/**
 * Splits a query into statements that DuckDB parses as exactly one each. The same text is checked and run.
 * @throws {PipelineError} QUERY_INVALID when the split disagrees with DuckDB's parser, as with nested comments
 */
async function splitStatements(connection: DuckDBConnection, sql: string): Promise<string[]> {
  const { count } = await connection.extractStatements(sql);
  if (count === 1) return [sql];
  const statements: string[] = [];
  for (const text of splitAtSemicolons(sql)) {
    const parsed = await connection.extractStatements(text).catch(() => undefined);
    if (parsed?.count === 1) statements.push(text);
    else if (parsed?.count !== 0) break;
  }
  if (statements.length === count) return statements;
  throw new PipelineError(
    'QUERY_INVALID',
    'the statements cannot be separated: give a single one, without comments',
  );
}

function splitAtSemicolons(sql: string): string[] {
  const ends = [...sql.matchAll(SEPARATORS)].flatMap(({ 0: found, index }) => (found === ';' ? [index] : []));
  return [...ends, sql.length].map((end, index) =>
    sql.slice(index === 0 ? 0 : (ends[index - 1] ?? 0) + 1, end),
  );
}

async function withAllowed<T>(
  connection: DuckDBConnection,
  sql: string,
  use: (prepared: DuckDBPreparedStatement) => Promise<T>,
): Promise<T> {
  const prepared = await connection.prepare(sql);
  try {
    await requireAllowedFunctions(connection, await requireAllowedType(connection, prepared, sql));
    return await use(prepared);
  } finally {
    prepared.destroySync();
  }
}

/** @returns The statement that runs: for an EXPLAIN, the explained one. */
async function requireAllowedType(
  connection: DuckDBConnection,
  { statementType: type }: DuckDBPreparedStatement,
  sql: string,
): Promise<string> {
  if (ALLOWED.has(type)) return sql;
  const explained = type === StatementType.EXPLAIN ? sql.replace(EXPLAIN, '') : sql;
  if (explained !== sql && (await isSelect(connection, explained))) return explained;
  throw queryRefused(`an untrusted query must not contain a ${StatementType[type]} statement`);
}

/** Returns false also when {@link EXPLAIN} did not remove all options, which makes the rest no SELECT. */
async function isSelect(connection: DuckDBConnection, sql: string): Promise<boolean> {
  const statements = await connection.extractStatements(sql).catch(() => undefined);
  if (statements?.count !== 1) return false;
  const prepared = await statements.prepare(0);
  try {
    return prepared.statementType === StatementType.SELECT;
  } finally {
    prepared.destroySync();
  }
}
