import { Command, Option } from 'commander';
import { readSettings, sourceOf } from '../../model/settings.ts';
import { parseSinceArgument, wholeNumberParser } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { print, printJson } from '../cli/output.ts';
import { RUN_STATES, formatRuns, listRuns, type RunFilter } from './runs.ts';
import { withTemporal } from '../cli/temporal.ts';

interface ListOptions extends RunFilter {
  readonly json?: boolean;
}

const LIMIT_DEFAULT = 20;
const LIMIT_MOST = 10_000;

/** `pipeline list`: the runs. */
export function listCommand(): Command {
  const command = new Command('list')
    .description('Show the runs, the newest first. One that waits for a person is shown as waiting.')
    .option('--source <source>', 'of one source alone')
    .addOption(new Option('--state <state>', 'those in this state alone').choices(RUN_STATES))
    .option(
      '--since <time>',
      'those that started since: a day, a time, or how long ago, as 1d',
      parseSinceArgument,
    )
    .option('--limit <n>', 'so many at most', wholeNumberParser(1, LIMIT_MOST), LIMIT_DEFAULT)
    .option('--json', 'as a JSON array')
    .action(list);
  return withExamples(
    command,
    'pipeline list --source pearson --since 1d',
    ['pipeline list --state waiting', 'what a person must decide about'],
    'pipeline list --state failed --since 2026-01-31T12:00:00Z --limit 100 --json',
  );
}

async function list({ json, ...filter }: ListOptions): Promise<void> {
  const settings = readSettings();
  if (filter.source !== undefined) sourceOf(settings, filter.source);
  const rows = await withTemporal(settings, (client) => listRuns(client, settings, filter));
  if (json === true) printJson(rows);
  else print(formatRuns(rows));
}
