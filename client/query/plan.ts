import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { formatTable, print, printJson } from '../cli/output.ts';
import type { Answer } from './output.ts';
import { requireSelect } from './select.ts';

/** One step of a query's plan. What it takes in comes from the steps that stand below it, one deeper. */
interface PlanStep {
  /** As DuckDB calls it, as HASH_JOIN. */
  readonly step: string;
  /** 0 for the step that gives the answer. */
  readonly depth: number;
  /** What it does: its expressions, its table. */
  readonly about: string;
  /** Rows that it gave. */
  readonly rows: number;
  /** Processor time, of all threads. */
  readonly seconds: number;
}

/** What of DuckDB's `EXPLAIN (ANALYZE, FORMAT json)` is of use. */
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

/** The step that measures the others. */
const MEASURING = 'EXPLAIN_ANALYZE';

/** How many rows the planner expected; the true number is known. */
const ESTIMATE = 'Estimated Cardinality';

const MAX_CHARACTERS = 60;

/**
 * Asks a query, and writes the steps by which its answer came in place of the answer.
 * @returns How many rows the answer has.
 */
export async function writePlan(
  connection: DuckDBConnection,
  { sql, format, isTrusted }: Pick<Answer, 'sql' | 'format' | 'isTrusted'>,
): Promise<number> {
  // Anything else would be done, and may have no steps.
  await requireSelect(connection, sql, { option: '--explain', isTrusted });
  const read = await connection.runAndReadAll(`EXPLAIN (ANALYZE, FORMAT json) ${sql}`);
  const profile = Profile.parse(JSON.parse(String(read.getRows()[0]?.[1])));
  const tops = profile.children.flatMap((top) => (top.operator_name === MEASURING ? top.children : [top]));
  const steps = tops.flatMap((top) => stepsOf(top, 0));
  if (format === 'json') printJson(steps);
  else print(formatSteps(steps));
  return steps[0]?.rows ?? 0;
}

function stepsOf(operator: Operator, depth: number): PlanStep[] {
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
  return [own, ...operator.children.flatMap((child) => stepsOf(child, depth + 1))];
}

function formatSteps(steps: readonly PlanStep[]): string[] {
  const rows = steps.map(({ step, depth, about, rows: count, seconds }) => {
    return [`${'  '.repeat(depth)}${step}`, about, count, Number((seconds * 1000).toFixed(1))];
  });
  return formatTable(['step', 'about', 'rows', 'ms'], rows, { cellCharacters: MAX_CHARACTERS });
}
