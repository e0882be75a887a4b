import { Option, type Command } from 'commander';
import { sqlText } from '../../adapters/duckdb/database.ts';
import { parseSinceArgument } from '../cli/arguments.ts';

/** A selection of rows of quarantine; all of them if empty. */
export interface Filter {
  readonly reason?: string;
  readonly since?: Date;
  readonly source?: string;
  readonly step?: string;
  /** Whether they were replayed. */
  readonly replayed?: boolean;
}

/** Adds the options that select rows. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'only those with this text in their path or reason (case-insensitive)')
    .option(
      '--since <time>',
      'only those published since, as 2026-01-31, 2026-01-31T12:00:00Z (UTC) or 2d',
      parseSinceArgument,
    )
    .option('--source <name>', 'only those of one source')
    .addOption(
      new Option('--step <step>', 'only those quarantined by one step').choices(['publish', 'transform']),
    );
}

/** Returns the filter as an SQL condition on the view `listed`. */
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
