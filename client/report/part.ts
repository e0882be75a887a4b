import type { Json } from '@duckdb/node-api';
import type { Scope } from '../query/questions.ts';
import type { Formats } from './formats.ts';
import type { Markup } from './html.ts';

/** A row of an answer, by its columns. */
export type Row = Readonly<Record<string, Json>>;

/** What a report is about. */
export interface ReportScope extends Scope {
  /** An IANA name, as Europe/Berlin. */
  readonly timeZone: string;
  /** When the report is made. */
  readonly now: Date;
}

/** How a value is written: a share of 0.5 as 50.0%, a time in the report's time zone. */
export type ValueFormat = 'count' | 'share' | 'decimal' | 'duration' | 'time' | 'text' | 'code';

/** A column of a table, in the order in which people read them. */
export interface ReportColumn {
  /** What the SQL calls it. */
  readonly name: string;
  readonly head: string;
  readonly format: ValueFormat;
}

/** One question of the report: the SQL that answers it, and how the answer is shown. */
export interface ReportPart {
  /** What its answer is called; its place in the page too. */
  readonly name: string;
  readonly title: string;
  /** DuckDB's SQL over the relations of {@link RELATIONS}. */
  readonly sql: string | ((scope: ReportScope) => string);
  /** What the answer comes to, in a sentence or two; with no rows, what that means. */
  readonly says: (rows: readonly Row[], formats: Formats) => string;
  /** How it is counted, where that needs words. */
  readonly note?: string;
  readonly chart?: (rows: readonly Row[], formats: Formats) => Markup;
  readonly columns: readonly ReportColumn[];
  /** Whether there is always one row, and of many columns: it stands upright, which a phone has room for. */
  readonly isOneRow?: boolean;
}

/** Questions that belong together. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly parts: readonly ReportPart[];
}

/** A number of a row. */
export function numberOf(row: Row | undefined, name: string): number {
  const value = row?.[name];
  if (typeof value === 'number') return value;
  throw new TypeError(`the column ${name} has no number`);
}

/** A text of a row; a null says so. */
export function textOf(row: Row | undefined, name: string): string {
  const value = row?.[name];
  if (value === null) return '(none)';
  if (typeof value === 'string') return value;
  throw new TypeError(`the column ${name} has no text`);
}

/** Columns of several tables. */
export const EXAM: ReportColumn = { name: 'exam_name', head: 'Exam', format: 'text' };
export const ATTEMPTS: ReportColumn = { name: 'attempts', head: 'Times taken', format: 'count' };

/** An exam with how often it was taken, as one line of a chart. */
export function examLabel(row: Row, formats: Formats): string {
  return `${textOf(row, 'exam_name')} (${formats.count(numberOf(row, 'attempts'))})`;
}

/** The attempts of each step, from 0 on, as the columns of a chart; a step without a row has none. */
export function stepReportColumns(rows: readonly Row[], labels: readonly string[], formats: Formats) {
  return labels.map((label, step) => {
    const value = numberOf(rows.find((row) => row['step'] === step) ?? { attempts: 0 }, 'attempts');
    return { label, value, hint: `${label}: ${formats.count(value)}` };
  });
}

/** The sum of a column. */
export function sumOf(rows: readonly Row[], name: string): number {
  return rows.reduce((sum, row) => sum + numberOf(row, name), 0);
}
