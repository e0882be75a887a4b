import { Option, type Command } from 'commander';
import { sqlText } from '../../adapters/duckdb/database.ts';
import { parseSinceArgument } from '../cli/arguments.ts';

/** Which rows of quarantine are meant; all, where nothing is given. */
export interface Filter {
  readonly reason?: string;
  readonly since?: Date;
  readonly source?: string;
  readonly step?: string;
  /** Whether they were published again. */
  readonly replayed?: boolean;
}

/** Adds the options that pick rows. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'those with this text in their path or reason, in upper or lower case')
    .option(
      '--since <time>',
      'those published since, as 2026-01-31 or 2026-01-31T12:00:00Z (UTC), or as 2d',
      parseSinceArgument,
    )
    .option('--source <name>', 'those of one source')
    .addOption(new Option('--step <step>', 'those refused by one step').choices(['publish', 'transform']));
}

/** The filter as a condition of SQL over the view `listed`. */
export function whereOf({ reason, since, source, step, replayed }: Filter): string {
  const conditions = [
    ...(reason === undefined
      ? []
      : [`contains(lower(concat(path, ' ', reason)), lower(${sqlText(reason)}))`]),
    ...(since === undefined ? [] : [`came_at >= ${sqlText(since.toISOString())}::TIMESTAMPTZ`]),
    ...(source === undefined ? [] : [`source = ${sqlText(source)}`]),
    ...(step === undefined ? [] : [`step = ${sqlText(step)}`]),
    ...(replayed === undefined ? [] : [`replayed_at IS ${replayed ? 'NOT ' : ''}NULL`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}
