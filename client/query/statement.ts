import { tmpdir } from 'node:os';
import { z } from 'zod';
import { withDuckDb } from '../../adapters/duckdb/database.ts';
import { TABLES } from '../../tables/index.ts';
import { PARTITION_COLUMNS, type Column, type Table } from '../../tables/table.ts';

/** A literal of a comparison. Days are ISO 8601, so that their order is that of the texts. */
export type SqlLiteral = string | number;

/** `column operator literal`, of a WHERE. `in` has one or more literals, the others exactly one. */
export interface Condition {
  readonly column: Column;
  readonly operator: '=' | '<' | '<=' | '>' | '>=' | 'in';
  readonly literals: readonly SqlLiteral[];
}

/** A SELECT from one table, without subqueries, joins or samples. */
export interface PlainSelect {
  readonly table: Table;
  /** Whether it is `SELECT count(*) FROM table` and nothing else. */
  readonly isCount: boolean;
  /** Conditions that each row of the result fulfils; others may exist. */
  readonly conditions: readonly Condition[];
}

/*
 * The supported part of DuckDB's `json_serialize_sql`. The objects are strict: a clause that is not listed here makes the
 * statement, or the condition, unsupported.
 */
const position = { query_location: z.int().optional() };
const ColumnRef = z.strictObject({
  ...position,
  class: z.literal('COLUMN_REF'),
  type: z.literal('COLUMN_REF'),
  column_names: z.array(z.string()).min(1).max(2),
});
const Constant = z.strictObject({
  ...position,
  class: z.literal('CONSTANT'),
  type: z.literal('VALUE_CONSTANT'),
  value: z.union([
    z.strictObject({
      type: z.strictObject({ id: z.literal('VARCHAR') }),
      is_null: z.literal(false),
      value: z.string(),
    }),
    z.strictObject({
      type: z.strictObject({ id: z.enum(['INTEGER', 'BIGINT']) }),
      is_null: z.literal(false),
      // Larger numbers are not exact in JSON.
      value: z.int(),
    }),
  ]),
});
const DateCast = z.strictObject({
  ...position,
  class: z.literal('CAST'),
  type: z.literal('OPERATOR_CAST'),
  child: Constant,
  cast_type: z.strictObject({ id: z.literal('DATE') }),
});
const Operand = z.union([Constant, DateCast]);
const OPERATORS = {
  COMPARE_EQUAL: '=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
} as const;
const Comparison = z.strictObject({
  ...position,
  class: z.literal('COMPARISON'),
  type: z.enum(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[]),
  left: ColumnRef,
  right: Operand,
});
const Between = z.strictObject({
  ...position,
  class: z.literal('BETWEEN'),
  type: z.literal('COMPARE_BETWEEN'),
  input: ColumnRef,
  lower: Operand,
  upper: Operand,
});
const In = z.strictObject({
  ...position,
  class: z.literal('OPERATOR'),
  type: z.literal('COMPARE_IN'),
  children: z.tuple([ColumnRef], Operand),
});
const And = z.strictObject({
  ...position,
  class: z.literal('CONJUNCTION'),
  type: z.literal('CONJUNCTION_AND'),
  children: z.array(z.unknown()),
});
const CountStar = z.strictObject({
  ...position,
  class: z.literal('FUNCTION'),
  type: z.literal('FUNCTION'),
  alias: z.string().optional(),
  function_name: z.literal('count_star'),
  order_bys: z.strictObject({ type: z.literal('ORDER_MODIFIER') }),
});
const Select = z.strictObject({
  type: z.literal('SELECT_NODE'),
  select_list: z.array(z.looseObject({ alias: z.string().optional() })),
  from_table: z.strictObject({
    ...position,
    type: z.literal('BASE_TABLE'),
    alias: z.string().optional(),
    table_name: z.string(),
  }),
  where_clause: z.unknown().optional(),
  group_expressions: z.unknown().optional(),
  group_sets: z.unknown().optional(),
  having: z.unknown().optional(),
  qualify: z.unknown().optional(),
  modifiers: z.unknown().optional(),
  aggregate_handling: z.string(),
});
const Count = z.strictObject({
  type: Select.shape.type,
  select_list: z.tuple([CountStar]),
  from_table: Select.shape.from_table,
  aggregate_handling: z.literal('STANDARD_HANDLING'),
});
const Serialized = z.strictObject({
  error: z.literal(false),
  statements: z.tuple([z.strictObject({ node: Select })]),
});

/**
 * Parses SQL with DuckDB, without running it.
 * @returns undefined for any SQL that is not a {@link PlainSelect}, including invalid SQL.
 */
export async function parsePlainSelect(sql: string): Promise<PlainSelect | undefined> {
  // DuckDB itself reports what is wrong with the statement, when it runs.
  const serialized = await serialize(sql).catch(() => undefined);
  const parsed = Serialized.safeParse(serialized);
  if (!parsed.success) return undefined;
  const [{ node }] = parsed.data.statements;
  const table = TABLES.find(({ name }) => name === node.from_table.table_name.toLowerCase());
  if (table === undefined || hasOtherRelation(node)) return undefined;
  const aliases = new Set(node.select_list.flatMap(({ alias }) => alias?.toLowerCase() ?? []));
  const scope = { table, qualifier: node.from_table.alias ?? node.from_table.table_name, aliases };
  return {
    table,
    isCount: Count.safeParse(node).success,
    conditions: conditionsIn(node.where_clause, scope),
  };
}

async function serialize(sql: string): Promise<unknown> {
  const options = { threads: 1, memoryLimit: '128MB', temporaryFolder: tmpdir(), onlyFiles: [] };
  return withDuckDb(options, async (connection) => {
    const read = await connection.runAndReadAll(
      'SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true, skip_default := true)',
      [sql],
    );
    return JSON.parse(String(read.getRows()[0]?.[0])) as unknown;
  });
}

/** Returns whether a statement reads a relation besides that of its FROM. */
function hasOtherRelation(node: z.infer<typeof Select>): boolean {
  let relations = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { class: kind, type } = value as { readonly class?: unknown; readonly type?: unknown };
    const isRelation = kind === 'SUBQUERY' || type === 'BASE_TABLE' || type === 'TABLE_FUNCTION';
    if (isRelation || (typeof type === 'string' && type.endsWith('_NODE'))) relations += 1;
    for (const child of Object.values(value)) visit(child);
  };
  visit(node);
  // The SELECT itself and its table.
  return relations !== 2;
}

/** The names that a WHERE can refer to. */
interface Scope {
  readonly table: Table;
  /** The table's name or alias in the statement. */
  readonly qualifier: string;
  /** The names that the SELECT gives to its expressions, in lower case. */
  readonly aliases: ReadonlySet<string>;
}

function conditionsIn(expression: unknown, scope: Scope): Condition[] {
  const and = And.safeParse(expression);
  if (and.success) return and.data.children.flatMap((child) => conditionsIn(child, scope));
  const comparison = Comparison.safeParse(expression);
  if (comparison.success) {
    const { left, type, right } = comparison.data;
    return conditionOf(scope, left, OPERATORS[type], [right]);
  }
  const between = Between.safeParse(expression);
  if (between.success) {
    const { input, lower, upper } = between.data;
    return [...conditionOf(scope, input, '>=', [lower]), ...conditionOf(scope, input, '<=', [upper])];
  }
  const contained = In.safeParse(expression);
  if (!contained.success) return [];
  const [input, ...operands] = contained.data.children;
  return conditionOf(scope, input, 'in', operands);
}

/** Returns no condition for an unsupported name or literal. */
function conditionOf(
  { table, qualifier, aliases }: Scope,
  { column_names: names }: z.infer<typeof ColumnRef>,
  operator: Condition['operator'],
  operands: readonly z.infer<typeof Operand>[],
): Condition[] {
  const name = names.at(-1)?.toLowerCase() ?? '';
  // A qualifier can also be a column's name; an alias of the SELECT could be meant.
  if (names.length === 2 && names[0]?.toLowerCase() !== qualifier.toLowerCase()) return [];
  const column = [...table.columns, ...PARTITION_COLUMNS].find((one) => one.name === name);
  if (column === undefined || aliases.has(name)) return [];
  const literals = operands.flatMap((operand) => literalOf(column, operand) ?? []);
  return literals.length > 0 && literals.length === operands.length ? [{ column, operator, literals }] : [];
}

const Day = z.iso.date();

/** Returns a literal that DuckDB compares as it is with a column's values; undefined for any other. */
function literalOf({ type }: Column, operand: z.infer<typeof Operand>): SqlLiteral | undefined {
  const { value } = 'child' in operand ? operand.child.value : operand.value;
  if (type === 'date') return Day.safeParse(value).data;
  if ('child' in operand) return undefined;
  if (type === 'string') return typeof value === 'string' ? value : undefined;
  return type === 'integer' || type === 'long' ? (typeof value === 'number' ? value : undefined) : undefined;
}
