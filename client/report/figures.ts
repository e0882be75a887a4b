import type { DuckDBConnection } from '@duckdb/node-api';
import { toJson } from '../query/values.ts';
import { scopedSql } from '../query/questions.ts';
import type { ReportScope, Row, Section } from './part.ts';
import { OVERVIEW, TAKEN_SECTION } from './sections-attempts.ts';
import { DATA_SECTION } from './sections-data.ts';
import { QUESTIONS_SECTION, SCORES_SECTION } from './sections-scores.ts';
import { TIME_SECTION } from './sections-time.ts';

/** The report, in the order of its page. */
export const SECTIONS: readonly Section[] = [
  OVERVIEW,
  TAKEN_SECTION,
  SCORES_SECTION,
  QUESTIONS_SECTION,
  TIME_SECTION,
  DATA_SECTION,
];

/** The answer to one question of the report. */
export interface Figure {
  /** As `pipeline query` takes it. */
  readonly sql: string;
  readonly rows: readonly Row[];
}

/** Every answer, by the name of its part. */
export type Figures = ReadonlyMap<string, Figure>;

/** Asks the tables all that the report says. */
export async function figuresOf(connection: DuckDBConnection, scope: ReportScope): Promise<Figures> {
  const figures = new Map<string, Figure>();
  for (const { name, sql } of SECTIONS.flatMap(({ parts }) => parts)) {
    const whole = scopedSql(typeof sql === 'string' ? sql : sql(scope), scope);
    const read = await connection.runAndReadAll(whole);
    const columns = read.columnNames();
    const rows = read
      .convertRows(toJson)
      .map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? null])));
    figures.set(name, { sql: whole, rows });
  }
  return figures;
}

/** The answer of that name. */
export function figureOf(figures: Figures, name: string): Figure {
  const figure = figures.get(name);
  if (figure === undefined) throw new TypeError(`the report has no figure ${name}`);
  return figure;
}
