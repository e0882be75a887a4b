import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';

/**
 * Table functions that change DuckDB itself, or run SQL that its plan does not show: a SELECT can call them too, and
 * locking the configuration does not cover them. A log that is written to a file ends this process where the file is
 * forbidden, and one written to standard output is not escaped.
 */
const FORBIDDEN = /^(?:(?:enable|disable|force|truncate)_\w+|checkpoint|json_execute_serialized_sql)$/i;

/** A step of a plan; DuckDB names the table function that a step calls, in capital letters. */
const Step = z.object({
  name: z.string(),
  extra_info: z.object({ Function: z.string().optional() }),
  get children() {
    return z.array(Step);
  },
});
type Step = z.infer<typeof Step>;

/**
 * Makes sure that a statement calls no function that a query may not call unless it is trusted. It is planned, not
 * run: the plan also shows what views, macros and `query()` stand for.
 * @param sql One statement.
 * @throws {PipelineError} QUERY_REFUSED, naming the function. DuckDB's own error where the statement is wrong.
 */
export async function requireAllowedFunctions(connection: DuckDBConnection, sql: string): Promise<void> {
  const read = await connection.runAndReadAll(`EXPLAIN (FORMAT json) ${sql}`);
  const called = z
    .array(Step)
    .parse(JSON.parse(String(read.getRows()[0]?.[1])))
    .flatMap(functionsOf)
    .find((name) => FORBIDDEN.test(name));
  if (called === undefined) return;
  throw new PipelineError('QUERY_REFUSED', `a query cannot call the function ${called.toLowerCase()}`);
}

function functionsOf({ name, extra_info: { Function: called }, children }: Step): string[] {
  return [name, ...(called === undefined ? [] : [called]), ...children.flatMap(functionsOf)];
}
