import type { DuckDBConnection } from '@duckdb/node-api';
import { toJson } from '../query/values.ts';
import { scopedSql } from '../query/questions.ts';
import type { ReportScope, ResultRow, Section } from './part.ts';
import { OVERVIEW, TAKEN_SECTION } from './sections-attempts.ts';
import { DATA_SECTION } from './sections-data.ts';
import { QUESTIONS_SECTION, SCORES_SECTION } from './sections-scores.ts';
import { TIME_SECTION } from './sections-time.ts';

/** The sections of the report, in page order. */
export const SECTIONS: readonly Section[] = [
  OVERVIEW,
  TAKEN_SECTION,
  SCORES_SECTION,
  QUESTIONS_SECTION,
  TIME_SECTION,
  DATA_SECTION,
];

/** The result of one query of the report. */
export interface Figure {
  /** The query, as `pipeline query` accepts it. */
  readonly sql: string;
  readonly rows: readonly ResultRow[];
}

/** The results by the name of their part. */
export type Figures = ReadonlyMap<string, Figure>;

/** Runs all queries of the report. */
export async function figuresOf(connection: DuckDBConnection, scope: ReportScope): Promise<Figures> {
  const figures = new Map<string, Figure>();
  for (const { name, sql } of SECTIONS.flatMap(({ parts }) => parts)) {
    const query = scopedSql(typeof sql === 'string' ? sql : sql(scope), scope);
    const result = await connection.runAndReadAll(query);
    const columns = result.columnNames();
    const rows = result
      .convertRows(toJson)
      .map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
    figures.set(name, { sql: query, rows });
  }
  return figures;
}

/** Returns the result of a part. */
export function figureOf(figures: Figures, name: string): Figure {
  const figure = figures.get(name);
  if (figure === undefined) throw new TypeError(`the report has no figure ${name}`);
  return figure;
}
