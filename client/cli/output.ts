/**
 * The one way out: all that the command line writes to a terminal passes here, and the linter forbids the others. A
 * text is one line, and whatever is in it that a terminal could obey is shown by its number; so data can neither
 * steer the terminal nor add a line of its own.
 */
import { escapeText, safeJson } from '../../model/printable.ts';
import { writeError, writeOutput } from './output/streams.ts';

export { formatTable } from './output/table.ts';

/** One line, or several. */
export type Lines = string | readonly string[];

/** Writes lines to standard output: what was asked for. */
export function print(lines: Lines = ''): void {
  writeOutput(escaped(lines));
}

/** Writes what was asked for as JSON, in which nothing acts on a terminal, and which parses to the same value. */
export function printJson(value: unknown): void {
  writeOutput(`${safeJson(value, 2)}\n`);
}

/** Writes lines to standard error: what went wrong, or how it goes on. */
export function printError(lines: Lines): void {
  writeError(escaped(lines));
}

/** Writes a value to standard error as a line of JSON. */
export function printErrorJson(value: unknown): void {
  writeError(`${safeJson(value)}\n`);
}

/** A time in whole seconds, as 2026-01-31T12:00:00Z. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function escaped(lines: Lines): string {
  const all = typeof lines === 'string' ? [lines] : lines;
  return all.map((line) => `${escapeText(line)}\n`).join('');
}
