import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { formatTable, print, printJson } from '../cli/output.ts';
import type { QueryRequest } from './output.ts';
import { requireSelect } from './select.ts';

/** A step of a query plan. Its inputs are the following steps with a depth one greater. */
interface PlanStep {
  /** DuckDB's operator name, such as HASH_JOIN. */
  readonly step: string;
  /** 0 for the step that produces the result. */
  readonly depth: number;
  /** Its expressions and its table. */
  readonly about: string;
  /** Output rows. */
  readonly rows: number;
  /** CPU time of all threads. */
  readonly seconds: number;
}

/** The fields of DuckDB's `EXPLAIN (ANALYZE, FORMAT json)` that are used. */
interface Operator {
  readonly operator_name: string;
  readonly operator_cardinality: number;
  readonly operator_timing: number;
  readonly extra_info: Readonly<Record<string, string | readonly string[]>>;
  readonly children: readonly Operator[];
}

const Operator: z.ZodType<Operator> = z.lazy(() =>
  z.object({
    operator_name: z.string(),
    operator_cardinality: z.number(),
    operator_timing: z.number(),
    extra_info: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    children: z.array(Operator),
  }),
);

const Profile = z.object({ rows_returned: z.number(), children: z.array(Operator) });

/** The operator that profiles the others: omitted. */
const PROFILER = 'EXPLAIN_ANALYZE';

/** The planner's row estimate: omitted, since the actual number is known. */
const ESTIMATE = 'Estimated Cardinality';

const MAX_CHARACTERS = 60;

/**
 * Runs a query and writes its profiled plan instead of its result.
 * @returns The number of rows of the result.
 */
export async function writePlan(
  connection: DuckDBConnection,
  { sql, format, isTrusted }: Pick<QueryRequest, 'sql' | 'format' | 'isTrusted'>,
): Promise<number> {
  // EXPLAIN ANALYZE would execute any other statement, which may have no plan.
  await requireSelect(connection, sql, { option: '--explain', isTrusted });
  const read = await connection.runAndReadAll(`EXPLAIN (ANALYZE, FORMAT json) ${sql}`);
  const profile = Profile.parse(JSON.parse(String(read.getRows()[0]?.[1])));
  const roots = profile.children.flatMap((root) =>
    root.operator_name === PROFILER ? root.children : [root],
  );
  const steps = roots.flatMap((root) => flattenSteps(root, 0));
  if (format === 'json') printJson(steps);
  else print(formatSteps(steps));
  return steps[0]?.rows ?? 0;
}

function flattenSteps(operator: Operator, depth: number): PlanStep[] {
  const about = Object.entries(operator.extra_info)
    .flatMap(([name, texts]) => (name === ESTIMATE ? [] : texts))
    .filter((text) => text !== '')
    .join(', ');
  const own: PlanStep = {
    step: operator.operator_name.trim(),
    depth,
    about,
    rows: operator.operator_cardinality,
    seconds: operator.operator_timing,
  };
  return [own, ...operator.children.flatMap((child) => flattenSteps(child, depth + 1))];
}

function formatSteps(steps: readonly PlanStep[]): string[] {
  const rows = steps.map(({ step, depth, about, rows: count, seconds }) => {
    return [`${'  '.repeat(depth)}${step}`, about, count, Number((seconds * 1000).toFixed(1))];
  });
  return formatTable(['step', 'about', 'rows', 'ms'], rows, { cellCharacters: MAX_CHARACTERS });
}
