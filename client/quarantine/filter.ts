import { InvalidArgumentError, Option, type Command } from 'commander';
import { sqlText } from '../../adapters/duckdb.ts';

/** Which rows of quarantine are meant; all, where nothing is given. */
export interface Filter {
  readonly reason?: string;
  readonly since?: string;
  readonly source?: string;
  readonly step?: string;
  /** Whether they were published again. */
  readonly replayed?: boolean;
}

/** Adds the options that pick rows. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'those with this text in their path or reason, in upper or lower case')
    .option('--since <time>', 'those published since, as 2026-01-31 or 2026-01-31T12:00:00Z (UTC)', timeOf)
    .option('--source <name>', 'those of one source')
    .addOption(new Option('--step <step>', 'those refused by one step').choices(['publish', 'transform']));
}

/** A number of rows, from the command line. */
export function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a whole number, 1 or more.');
}

/** The filter as a condition of SQL over the view `listed`. */
export function whereOf({ reason, since, source, step, replayed }: Filter): string {
  const conditions = [
    ...(reason === undefined
      ? []
      : [`contains(lower(concat(path, ' ', reason)), lower(${sqlText(reason)}))`]),
    ...(since === undefined ? [] : [`came_at >= ${sqlText(since)}::TIMESTAMPTZ`]),
    ...(source === undefined ? [] : [`source = ${sqlText(source)}`]),
    ...(step === undefined ? [] : [`step = ${sqlText(step)}`]),
    ...(replayed === undefined ? [] : [`replayed_at IS ${replayed ? 'NOT ' : ''}NULL`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

function timeOf(text: string): string {
  const time = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time.getTime())) return time.toISOString();
  throw new InvalidArgumentError('it must be a time, as 2026-01-31 or 2026-01-31T12:00:00Z.');
}
