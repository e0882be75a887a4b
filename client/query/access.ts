import {
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResult,
} from '@duckdb/node-api';
import { PipelineError } from '../../model/errors.ts';
import { requireAllowedFunctions } from './functions.ts';

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

/** A `;`, or what can have one that ends no statement: a literal, a name, a comment. */
const SEPARATORS =
  /\be'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|\/\*.*?\*\/|;/gis;

/**
 * Runs the statements of a query that is not trusted.
 * @returns The result of the last one, which is read as it comes.
 * @throws {PipelineError} QUERY_REFUSED for a statement that can do more than read and work in memory; those before it
 *   were run. DuckDB's own error for anything else that is wrong.
 */
export async function streamReadOnly(connection: DuckDBConnection, sql: string): Promise<DuckDBResult> {
  const statements = await statementsOf(connection, sql);
  for (const statement of statements.slice(0, -1))
    await withAllowed(connection, statement, async (prepared) => {
      await prepared.run();
    });
  return withAllowed(connection, statements.at(-1) ?? '', (prepared) => prepared.stream());
}

/** The error for something that a query may not do unless it is trusted. */
export function queryRefused(what: string): PipelineError {
  return new PipelineError('QUERY_REFUSED', what);
}

/**
 * Returns the statements of a query, each of which DuckDB takes for one. They are checked and run by their text, so
 * that what is run is what was checked.
 * @throws {PipelineError} QUERY_INVALID where they cannot be told apart, as with comments within comments.
 */
async function statementsOf(connection: DuckDBConnection, sql: string): Promise<string[]> {
  const { count } = await connection.extractStatements(sql);
  if (count === 1) return [sql];
  const statements: string[] = [];
  for (const text of splitAtSemicolons(sql)) {
    const parsed = await connection.extractStatements(text).catch(() => undefined);
    if (parsed?.count === 1) statements.push(text);
    else if (parsed?.count !== 0) break;
  }
  if (statements.length === count) return statements;
  throw new PipelineError('QUERY_INVALID', 'the statements cannot be told apart: give one, without comments');
}

function splitAtSemicolons(sql: string): string[] {
  const ends = [...sql.matchAll(SEPARATORS)].flatMap(({ 0: found, index }) => (found === ';' ? [index] : []));
  return [...ends, sql.length].map((end, at) => sql.slice(at === 0 ? 0 : (ends[at - 1] ?? 0) + 1, end));
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

/** @returns The statement that is run: for an EXPLAIN, the one that it explains. */
async function requireAllowedType(
  connection: DuckDBConnection,
  { statementType: type }: DuckDBPreparedStatement,
  sql: string,
): Promise<string> {
  if (ALLOWED.has(type)) return sql;
  const explained = type === StatementType.EXPLAIN ? sql.replace(EXPLAIN, '') : sql;
  if (explained !== sql && (await isSelect(connection, explained))) return explained;
  throw queryRefused(`a query can have no ${StatementType[type]} statement`);
}

/** False also where the options of an EXPLAIN are written in a way that is not known here, so that they are left. */
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
