import { StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { PipelineError } from '../../model/errors.ts';
import { requireAllowedFunctions } from './functions.ts';

/** Options of {@link requireSelect}. */
export interface SelectOptions {
  /** The command-line option that requires a SELECT, for the message. */
  readonly option: string;
  /** Whether the query may call any function. */
  readonly isTrusted: boolean;
}

/**
 * Checks that a query is a single SELECT.
 * @throws {PipelineError} QUERY_INVALID; QUERY_REFUSED for a function that only a trusted query may call
 */
export async function requireSelect(
  connection: DuckDBConnection,
  sql: string,
  { option, isTrusted }: SelectOptions,
): Promise<void> {
  const statements = await connection.extractStatements(sql);
  const only = statements.count === 1 ? await statements.prepare(0) : undefined;
  if (only?.statementType !== StatementType.SELECT)
    throw new PipelineError('QUERY_INVALID', `for ${option}, the query must be a single SELECT`);
  if (!isTrusted) await requireAllowedFunctions(connection, sql);
}
