import { StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { PipelineError } from '../model/errors.ts';

/**
 * Makes sure that a query is one SELECT and nothing else.
 * @param option What wants it, for the message.
 * @throws {PipelineError} QUERY_INVALID
 */
export async function requireSelect(
  connection: DuckDBConnection,
  sql: string,
  option: string,
): Promise<void> {
  const statements = await connection.extractStatements(sql);
  const only = statements.count === 1 ? await statements.prepare(0) : undefined;
  if (only?.statementType !== StatementType.SELECT)
    throw new PipelineError('QUERY_INVALID', `for ${option}, the query must be a single SELECT`);
}
