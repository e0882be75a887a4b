import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';

/**
 * Table functions that change DuckDB's state or run SQL that the plan does not show. A SELECT can call them, and the
 * locked configuration does not cover them: for example, logging to a forbidden file crashes the process, and logging
 * to standard output is not escaped.
 */
const FORBIDDEN = /^(?:(?:enable|disable|force|truncate)_\w+|checkpoint|json_execute_serialized_sql)$/i;

/** A step of a query plan; it contains the name of a called table function in capitals. */
const Step = z.object({
  name: z.string(),
  extra_info: z.object({ Function: z.string().optional() }),
  get children() {
    return z.array(Step);
  },
});
type Step = z.infer<typeof Step>;

/**
 * Checks that a statement calls only functions that are allowed in an untrusted query. Uses its plan, without running
 * it, since the plan has views, macros and `query()` expanded.
 * @param sql One statement.
 * @throws {PipelineError} QUERY_REFUSED, naming the function. DuckDB's own error for an invalid statement.
 */
export async function requireAllowedFunctions(connection: DuckDBConnection, sql: string): Promise<void> {
  const read = await connection.runAndReadAll(`EXPLAIN (FORMAT json) ${sql}`);
  const called = z
    .array(Step)
    .parse(JSON.parse(String(read.getRows()[0]?.[1])))
    .flatMap(functionsOf)
    .find((name) => FORBIDDEN.test(name));
  if (called === undefined) return;
  throw new PipelineError(
    'QUERY_REFUSED',
    `an untrusted query must not call the function ${called.toLowerCase()}`,
  );
}

function functionsOf({ name, extra_info: { Function: called }, children }: Step): string[] {
  return [name, ...(called === undefined ? [] : [called]), ...children.flatMap(functionsOf)];
}
