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

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 10_000;

/** Creates `pipeline list`. */
export function listCommand(): Command {
  const command = new Command('list')
    .description('List the runs, newest first. State "waiting" means that a run waits for a person.')
    .option('--source <source>', 'only runs of this source')
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .option(
      '--since <time>',
      'only runs started since: a day, a time, or how long ago, such as 1d',
      parseSinceArgument,
    )
    .option('--limit <n>', 'maximum number of runs', wholeNumberParser(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option('--json', 'print a JSON array')
    .action(list);
  return withExamples(
    command,
    'pipeline list --source pearson --since 1d',
    ['pipeline list --state waiting', 'the runs that wait for a decision'],
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
