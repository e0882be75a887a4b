import { Command } from 'commander';
import { wholeNumberParser } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { withFilterOptions } from './filter.ts';
import { listQuarantine } from './list.ts';
import { replayQuarantined } from './replay.ts';
import { showQuarantined } from './show.ts';

const REFERENCE = 'topic/partition/offset, or source/format-content/chunk:position, as list shows it';

/** Creates `pipeline quarantine …`, which lists, shows and replays quarantined records. */
export function quarantineCommand(): Command {
  const command = new Command('quarantine').description(
    'List quarantined records, and publish them again once the cause is corrected.',
  );
  for (const sub of [list(), show(), replay()]) command.addCommand(sub);
  return withExamples(
    command,
    'pipeline quarantine list --source pearson --since 2026-01-31',
    'pipeline quarantine show attempts-pearson/0/17',
    'pipeline quarantine replay --all --reason max_attempts',
    ['pipeline start pearson --follow', 'lands what was replayed'],
  );
}

function list(): Command {
  const command = withFilterOptions(
    new Command('list').description('List what is in quarantine, newest first, with counts by reason.'),
  )
    .option('--replayed', 'only those that were replayed')
    .option('--not-replayed', 'only those that were not replayed')
    .option('--limit <n>', 'the number of rows to show', wholeNumberParser(1, 100_000), 50)
    .option('--json', 'as JSON')
    .action(listQuarantine);
  return withExamples(command, 'pipeline quarantine list', 'pipeline quarantine list --not-replayed --json');
}

function show(): Command {
  const command = new Command('show')
    .description('Show the details and the payload of one record, safely escaped for the terminal.')
    .argument('<reference>', REFERENCE)
    .option('--full', 'show the whole payload, not only its beginning')
    .option('--raw', 'write only the payload’s raw bytes to standard output')
    .option('--output <file>', 'write the payload’s raw bytes to a file')
    .option('--json', 'as JSON, key and payload in base64')
    .action(showQuarantined);
  return withExamples(
    command,
    'pipeline quarantine show attempts-pearson/0/17',
    'pipeline quarantine show attempts-pearson/0/17 --output payload.json',
  );
}

function replay(): Command {
  const command = withFilterOptions(
    new Command('replay')
      .description(
        'Publish quarantined records again, each only once even if repeated; the next run lands them.',
      )
      .argument('[references...]', REFERENCE)
      .option('--all', 'all that were not replayed yet, or those that the options select'),
  )
    .option('--yes', 'do not ask for confirmation')
    .option('--dry-run', 'only show what would be replayed')
    .option('--json', 'as JSON')
    .action(replayQuarantined);
  return withExamples(
    command,
    'pipeline quarantine replay attempts-pearson/0/17',
    'pipeline quarantine replay --all --reason max_attempts --dry-run',
  );
}
