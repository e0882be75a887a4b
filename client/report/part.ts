import type { Json } from '@duckdb/node-api';
import type { Scope } from '../query/questions.ts';
import type { Formats, ValueFormat } from './formats.ts';
import type { Markup } from './html.ts';

/** A result row by column. */
export type ResultRow = Readonly<Record<string, Json>>;

/** The scope and the settings of a report. */
export interface ReportScope extends Scope {
  /** An IANA name, as Europe/Berlin. */
  readonly timeZone: string;
  /** The time of the report. */
  readonly now: Date;
}

/** A column of a report table. */
export interface ReportColumn {
  /** The column's name in the SQL result. */
  readonly name: string;
  readonly head: string;
  readonly format: ValueFormat;
}

/** One question of the report: its SQL query, and how the result is shown. */
export interface ReportPart {
  /** The name of the result, and the anchor in the page. */
  readonly name: string;
  readonly title: string;
  /** DuckDB SQL over the relations of {@link RELATIONS}. */
  readonly sql: string | ((scope: ReportScope) => string);
  /** Summarizes the rows in a sentence or two; says what it means if there are none. */
  readonly says: (rows: readonly ResultRow[], formats: Formats) => string;
  /** Explains how it is counted, if necessary. */
  readonly note?: string;
  readonly chart?: (rows: readonly ResultRow[], formats: Formats) => Markup;
  readonly columns: readonly ReportColumn[];
  /** Whether there is always one row; it is shown as a list, which fits on a phone. */
  readonly isOneRow?: boolean;
}

/** A group of questions. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly parts: readonly ReportPart[];
}

/** Returns a number of a row. */
export function numberCell(row: ResultRow | undefined, name: string): number {
  const value = row?.[name];
  if (typeof value === 'number') return value;
  throw new TypeError(`the column ${name} has no number`);
}

/** Returns a text of a row; (none) for null. */
export function textCell(row: ResultRow | undefined, name: string): string {
  const value = row?.[name];
  if (value === null) return '(none)';
  if (typeof value === 'string') return value;
  throw new TypeError(`the column ${name} has no text`);
}

/** Columns that several tables share. */
export const EXAM: ReportColumn = { name: 'exam_name', head: 'Exam', format: 'text' };
export const ATTEMPTS: ReportColumn = { name: 'attempts', head: 'Times taken', format: 'count' };

/** Returns an exam's name with its number of attempts, for a chart. */
export function examLabel(row: ResultRow, formats: Formats): string {
  return `${textCell(row, 'exam_name')} (${formats.count(numberCell(row, 'attempts'))})`;
}

/** Returns the attempts of each bin as chart columns; 0 for bins without a row. */
export function stepReportColumns(rows: readonly ResultRow[], labels: readonly string[], formats: Formats) {
  return labels.map((label, step) => {
    const value = numberCell(rows.find((row) => row['step'] === step) ?? { attempts: 0 }, 'attempts');
    return { label, value, hint: `${label}: ${formats.count(value)}` };
  });
}

/** Returns the sum of a column. */
export function sumOf(rows: readonly ResultRow[], name: string): number {
  return rows.reduce((sum, row) => sum + numberCell(row, name), 0);
}
