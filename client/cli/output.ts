/**
 * Everything that the command line writes to a terminal goes through this module; the linter forbids other ways. Each
 * text is written as one line with its control characters escaped, so that data can neither control the terminal nor
 * forge a line of output.
 */
import { escapeText, safeJson } from '../../model/printable.ts';
import { writeError, writeOutput } from './output/streams.ts';

export { formatTable } from './output/table.ts';

/** One line, or several lines. */
export type Lines = string | readonly string[];

/** Writes lines to standard output: the result of a command. */
export function print(lines: Lines = ''): void {
  writeOutput(escaped(lines));
}

/** Writes a result to standard output as JSON, with control characters as `\u` escapes. */
export function printJson(value: unknown): void {
  writeOutput(`${safeJson(value, 2)}\n`);
}

/** Writes lines to standard error: errors, warnings and progress. */
export function printError(lines: Lines): void {
  writeError(escaped(lines));
}

/** Writes a value to standard error as one line of JSON. */
export function printErrorJson(value: unknown): void {
  writeError(`${safeJson(value)}\n`);
}

/** Formats a time in whole seconds, such as 2026-01-31T12:00:00Z. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function escaped(lines: Lines): string {
  const all = typeof lines === 'string' ? [lines] : lines;
  return all.map((line) => `${escapeText(line)}\n`).join('');
}
